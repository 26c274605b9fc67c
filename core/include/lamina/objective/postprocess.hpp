// What happens to a label map after prediction.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/case.hpp>

#include <functional>
#include <string>
#include <vector>

namespace lamina {

struct PostprocessContext {
  int64_t classes = 2;
};

/// Validation predictions with their references; selection never sees the test set.
struct Outcomes {
  std::vector<std::string> ids;
  std::function<Volume(const std::string& id)> prediction;  ///< labels [1, D, H, W]
  std::function<Case(const std::string& id)> reference;
};

class LAMINA_API Postprocess {
 public:
  static constexpr const char* kKind = "postprocess";
  using Interface = Postprocess;
  using Context = PostprocessContext;
  virtual ~Postprocess();

  /// Learns from validation outcomes; the result is kept with the run and given to restore(). Default: nothing.
  virtual TensorDict fit(const Outcomes& validation);
  virtual void restore(const TensorDict& state);
  virtual Volume apply(Volume labels) const = 0;
};

}  // namespace lamina
