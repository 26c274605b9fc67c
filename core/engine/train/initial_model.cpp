// Builds models and moves weights between them and checkpoints.
#include "engine/train/initial_model.hpp"

#include "engine/predict/dataset_info.hpp"
#include "engine/weights/name_map.hpp"
#include "engine/weights/pretrained.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/random.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/trainable.hpp>
#include <lamina/model/weights.hpp>

#include <torch/nn/module.h>
#include <torch/utils.h>

namespace lamina::engine {
namespace {

constexpr const char* kPrompter = "prompter.";

bool trains(const torch::Tensor& tensor) { return tensor.requires_grad(); }

/// A checkpoint knows the classes it was trained for.
void require_same_classes(const Model& model, const Checkpoint& checkpoint) {
  if (!checkpoint.state.contains(kDatasetKey)) return;
  const auto theirs = std::ssize(dataset_info_from_node(checkpoint.state.at(kDatasetKey)).classes);
  if (theirs == model.setup().classes) return;
  throw DataError(text("the checkpoint was trained for ", theirs, " classes and the dataset has ",
                       model.setup().classes,
                       " (background included); train anew, or give the checkpoint in `weights`"));
}

}  // namespace

std::shared_ptr<Model> initial_model(const Experiment& experiment, const DatasetInfo& dataset,
                                     const Registry& registry) {
  torch::manual_seed(experiment.seed());
  const ModelSetup setup{std::ssize(dataset.channels), std::ssize(dataset.classes), experiment.patch()};
  auto model = Model::build(registry, experiment.resolved().at("model"), setup);
  for (const auto& entry : experiment.options().weights) load_pretrained(*model, entry, experiment.folder());
  set_trainable(*model, experiment.options().train.trainable);
  return model;
}

std::string frozen_hash(const Model& model) {
  uint64_t hash = 0;
  for (const auto& item : model.named_parameters()) {
    if (trains(item.value())) continue;
    const torch::Tensor bytes = item.value().detach().to(torch::kCPU).contiguous();
    const std::string_view view(static_cast<const char*>(bytes.const_data_ptr()), bytes.nbytes());
    hash = Random(hash, {hash_name(item.key()), hash_name(view)}).bits();
  }
  return text(std::hex, hash);
}

StateDict kept_weights(const Model& model, const std::string& contents) {
  StateDict state = state_of(model);
  if (contents == "all") return state;
  for (const auto& item : model.named_parameters()) {
    if (!trains(item.value())) state.erase(item.key());
  }
  return state;
}

StateDict weights_in(const Checkpoint& checkpoint, Weights weights) {
  StateDict state = checkpoint.model;
  if (weights == Weights::Trained) return state;
  for (const auto& [name, tensor] : checkpoint.ema) state[name] = tensor;
  return state;
}

void restore_weights(Model& model, const Checkpoint& checkpoint, Weights weights) {
  require_same_classes(model, checkpoint);
  StateDict state = weights_in(checkpoint, weights);
  model.prompter().restore(behind(kPrompter, state));
  const std::string stored_hash = checkpoint.state.text_or("frozen", "");
  for (const auto& item : model.named_parameters()) {
    if (!trains(item.value()) && !state.contains(item.key())) state[item.key()] = item.value().detach();
  }
  try {
    load_state_strictly(model, state, "the checkpoint");
  } catch (const ConfigError& problem) {
    throw DataError(problem.what());
  }
  if (!stored_hash.empty() && stored_hash != frozen_hash(model)) {
    throw DataError(
        "the frozen weights are not those that the checkpoint was trained with; give the same files in `weights`");
  }
}

}  // namespace lamina::engine
