// Fits and applies the `postprocess` steps.
#include "engine/predict/postprocess_chain.hpp"

#include <lamina/base/text.hpp>

namespace lamina::engine {

PostprocessChain::PostprocessChain(const std::vector<ConfigNode>& entries, int64_t classes, const Registry& registry)
    : states_(entries.size()) {
  for (size_t i = 0; i < entries.size(); ++i) {
    steps_.push_back(registry.create<Postprocess>(entries[i], text("postprocess[", i, "]"), {classes}));
  }
}

void PostprocessChain::fit(const Outcomes& validation) {
  for (size_t i = 0; i < steps_.size(); ++i) {
    Outcomes seen = validation;
    seen.prediction = [&, i](const std::string& id) { return apply_before(i, validation.prediction(id)); };
    states_[i] = steps_[i]->fit(seen);
    steps_[i]->restore(states_[i]);
  }
  fitted_ = true;
}

TensorDict PostprocessChain::state() const {
  TensorDict state;
  for (size_t i = 0; i < states_.size(); ++i) {
    for (const auto& [name, tensor] : states_[i]) state[text("postprocess.", i, ".", name)] = tensor;
  }
  return state;
}

void PostprocessChain::restore(const TensorDict& state) {
  for (size_t i = 0; i < steps_.size(); ++i) {
    const std::string prefix = text("postprocess.", i, ".");
    states_[i].clear();
    for (const auto& [name, tensor] : state) {
      if (name.starts_with(prefix)) states_[i][name.substr(prefix.size())] = tensor;
    }
    steps_[i]->restore(states_[i]);
  }
  fitted_ = true;
}

Volume PostprocessChain::apply_before(size_t end, Volume labels) const {
  for (size_t i = 0; i < end; ++i) labels = steps_[i]->apply(std::move(labels));
  return labels;
}

Volume PostprocessChain::apply(Volume labels) const { return apply_before(steps_.size(), std::move(labels)); }

}  // namespace lamina::engine
