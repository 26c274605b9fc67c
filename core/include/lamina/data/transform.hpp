// `prepare` and `augment` entries of an experiment.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/base/random.hpp>
#include <lamina/data/case.hpp>
#include <lamina/data/dataset.hpp>
#include <lamina/data/slab_sink.hpp>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lamina {

struct TransformContext {
  DatasetInfo dataset;
  Size3 patch{1, 1, 1};  ///< of training; an axis of 1 marks a 2D network
};

class LAMINA_API Transform {
 public:
  static constexpr const char* kKind = "transform";
  using Interface = Transform;
  using Context = TransformContext;
  virtual ~Transform();

  /// Learns from the training cases as they are before this transform (`load` applies the earlier ones); called once a
  /// run. The result is kept with the run and given to restore(). Default: nothing to learn.
  virtual TensorDict fit(const std::vector<std::string>& training_ids, const std::function<Case(const std::string&)>& load);
  virtual void restore(const TensorDict& state);
  /// Thread safe. `random` is a function of (seed, epoch, sample): deterministic transforms ignore it.
  virtual Case apply(Case one, Random& random) const = 0;
  /// How far apply() reaches beyond the patch, as a factor of its size (1: not at all; a rotation by 45 degrees: 1.41).
  /// The sampler cuts patches enlarged by the product of these factors and crops the centre afterwards. Axes z, y, x.
  virtual std::array<double, 3> reach() const;
  /// For `prepare` entries that change the grid: wraps `next`, which takes class scores on the grid `before`, into a
  /// sink for scores on the grid `after`. Null (the default): the grid is unchanged.
  virtual std::unique_ptr<SlabSink> inverse(const Frame& before, const Frame& after, SlabSink& next) const;
};

}  // namespace lamina
