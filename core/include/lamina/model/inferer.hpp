// How a whole case is covered by patches.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/batch.hpp>
#include <lamina/data/dataset.hpp>
#include <lamina/data/slab_sink.hpp>
#include <lamina/model/prediction.hpp>

#include <functional>

namespace lamina {

struct InfererContext {
  Size3 patch{1, 1, 1};
  int64_t classes = 2;
  int64_t batch = 1;
  DatasetInfo dataset;
};

class LAMINA_API Inferer {
 public:
  static constexpr const char* kKind = "inferer";
  using Interface = Inferer;
  using Context = InfererContext;
  virtual ~Inferer();

  /// Runs `forward` over patches of the prepared case and puts class scores into the sink, slab by slab.
  /// `tick(done, total)` is called after every forward.
  virtual void run(const Case& one, const std::function<Prediction(Batch)>& forward, SlabSink& sink,
                   const std::function<void(int64_t done, int64_t total)>& tick) const = 0;
  /// Bytes held at the peak beside the case and the network's own activations.
  virtual int64_t peak_bytes(const Case& one) const = 0;
};

}  // namespace lamina
