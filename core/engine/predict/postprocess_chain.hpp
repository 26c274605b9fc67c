// The `postprocess` steps of an experiment and what they learned from validation cases.
#pragma once

#include <lamina/data/tensors.hpp>
#include <lamina/objective/postprocess.hpp>
#include <lamina/options/config_node.hpp>
#include <lamina/plugin/registry.hpp>

#include <memory>
#include <vector>

namespace lamina::engine {

class PostprocessChain {
 public:
  PostprocessChain() = default;
  PostprocessChain(const std::vector<ConfigNode>& entries, int64_t classes, const Registry& registry);
  /// Fits each step on what the steps before it make of the predictions.
  void fit(const Outcomes& validation);
  /// "postprocess.<index>.<name>" -> tensor, as a checkpoint keeps it.
  TensorDict state() const;
  void restore(const TensorDict& state);
  /// Whether every step learned, or was given, what it needs.
  bool fitted() const { return steps_.empty() || fitted_; }
  Volume apply(Volume labels) const;

 private:
  Volume apply_before(size_t end, Volume labels) const;

  std::vector<std::shared_ptr<Postprocess>> steps_;
  std::vector<TensorDict> states_;
  bool fitted_ = false;
};

}  // namespace lamina::engine
