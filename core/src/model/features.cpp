// What an encoder hands on: tensors by name, in the order of the encoder.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/features.hpp>

#include <torch/types.h>

namespace lamina {
namespace {

[[noreturn]] void refuse(std::string_view name, const std::vector<std::string>& known) {
  throw Error(text("there is no feature '", name, "'", did_you_mean(name, known),
                   "; there are: ", known.empty() ? "none" : join(known)));
}

}  // namespace

bool Features::contains(std::string_view name) const {
  for (const auto& [known, tensor] : items_) {
    if (known == name) return true;
  }
  return false;
}

torch::Tensor Features::at(std::string_view name) const {
  std::vector<std::string> names;
  for (const auto& [known, tensor] : items_) {
    if (known == name) return tensor;
    names.push_back(known);
  }
  refuse(name, names);
}

void Features::set(std::string name, torch::Tensor tensor) {
  for (auto& [known, old] : items_) {
    if (known == name) {
      old = std::move(tensor);
      return;
    }
  }
  items_.emplace_back(std::move(name), std::move(tensor));
}

const FeatureSpec& spec_of(const std::vector<FeatureSpec>& specs, std::string_view name) {
  std::vector<std::string> names;
  for (const auto& spec : specs) {
    if (spec.name == name) return spec;
    names.push_back(spec.name);
  }
  refuse(name, names);
}

const FeatureSpec& image_embedding(const std::vector<FeatureSpec>& specs, std::string_view who) {
  std::vector<std::string> names;
  for (const auto& spec : specs) {
    if (spec.name == "embedding" && spec.folded) return spec;
    names.push_back(spec.name);
  }
  throw ConfigError(text(who,
                         " needs the feature embedding, one per slice, as 'sam_vit' makes it; this encoder offers: ",
                         names.empty() ? "none" : join(names)));
}

}  // namespace lamina
