// Runs the members of an ensemble and averages what they say.
#include "engine/predict/ensemble.hpp"

#include "engine/data/collate.hpp"
#include "engine/train/precision.hpp"

#include <lamina/base/error.hpp>

#include <algorithm>

#include <ATen/core/grad_mode.h>

namespace lamina::engine {

namespace {

torch::Device device_of(const Model& model) {
  const auto parameters = model.parameters();
  return parameters.empty() ? torch::Device(torch::kCPU) : parameters.front().device();
}

torch::Tensor as_probabilities(const Output& output) {
  const torch::Tensor classes = output.classes.to(torch::kFloat);
  return output.scale == Scale::Logits ? classes.softmax(1) : classes;
}

Prediction averaged(const std::vector<Prediction>& members) {
  const auto is_logits = [](const Prediction& one) { return one.outputs.primary().scale == Scale::Logits; };
  Output mean;
  mean.scale = std::all_of(members.begin(), members.end(), is_logits) ? Scale::Logits : Scale::Probabilities;
  for (const Prediction& member : members) {
    const Output& output = member.outputs.primary();
    const torch::Tensor scores =
        mean.scale == Scale::Logits ? output.classes.to(torch::kFloat) : as_probabilities(output);
    mean.classes = mean.classes.defined() ? mean.classes + scores : scores;  // [B, K, D, H, W]
  }
  mean.classes = mean.classes / static_cast<double>(members.size());
  Prediction made;
  made.outputs = Streams<Output>(mean);
  return made;
}

}  // namespace

Ensemble::Ensemble(std::vector<std::shared_ptr<Model>> models, std::string amp, uint64_t seed,
                   std::shared_ptr<const RowEncoder> rows)
    : models_(std::move(models)), amp_(std::move(amp)), seed_(seed), rows_(std::move(rows)) {
  if (models_.empty()) throw Error("prediction needs at least one model");
}

Prediction Ensemble::forward(const Batch& batch) const {
  const at::NoGradGuard no_grad;  // not InferenceMode: buffers that networks make now must serve training later
  std::vector<Prediction> members;
  for (const auto& model : models_) {
    const torch::Device device = device_of(*model);
    const Autocast autocast(amp_, device);
    members.push_back(engine::forward(*model, Mode::Infer, to_device(batch, device), seed_, 0, rows_.get()));
  }
  return members.size() == 1 ? std::move(members.front()) : averaged(members);
}

}  // namespace lamina::engine
