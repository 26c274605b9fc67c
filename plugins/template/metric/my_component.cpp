// Counts voxels per class and turns them into millilitres.
#include "my_component.hpp"

#include <cmath>

#include <ATen/ATen.h>

namespace my_component {

MyComponent::MyComponent(const Options& options, const lamina::MetricContext& context)
    : options_(options), context_(context) {}

std::string MyComponent::unit() const { return "ml"; }
bool MyComponent::higher_is_better() const { return false; }

std::vector<lamina::Score> MyComponent::measure(const lamina::Volume& prediction, const lamina::Case& reference,
                                                lamina::Scratch&) const {
  const lamina::Volume& truth = reference.labels.primary();
  const auto& spacing = truth.geometry.spacing;
  const double millilitres = spacing[0] * spacing[1] * spacing[2] / 1000;
  const torch::Tensor counted =
      reference.ignore ? truth.voxels.ne(*reference.ignore) : at::ones_like(truth.voxels, at::kBool);
  std::vector<lamina::Score> scores;
  for (int64_t label = 1; label < context_.classes; ++label) {
    const torch::Tensor found = prediction.voxels.eq(label).logical_and(counted), wanted = truth.voxels.eq(label);
    lamina::Score score;
    score.class_id = label;
    score.counts = {found.sum().item<int64_t>(), wanted.sum().item<int64_t>(),
                    found.logical_and(wanted).sum().item<int64_t>()};
    const double difference = static_cast<double>(score.counts.predicted - score.counts.reference) * millilitres;
    score.value = options_.sign ? difference : std::abs(difference);
    scores.push_back(score);
  }
  return scores;
}

}  // namespace my_component
