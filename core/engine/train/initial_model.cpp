// Builds models and moves weights between them and checkpoints.
#include "engine/train/initial_model.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/random.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/safetensors.hpp>
#include <lamina/model/trainable.hpp>
#include <lamina/model/weights.hpp>

#include <algorithm>
#include <set>

#include <torch/nn/module.h>
#include <torch/utils.h>

namespace lamina::engine {
namespace {

constexpr const char* kEncoder = "encoder.";
constexpr const char* kPrompter = "prompter.";

std::filesystem::path find_file(const std::string& file, const std::filesystem::path& folder) {
  const std::filesystem::path beside = folder / file;
  return std::filesystem::exists(beside) ? beside : std::filesystem::path(file);
}

/// Tensors behind `prefix`, without it.
StateDict inside(const StateDict& state, const std::string& prefix) {
  StateDict part;
  for (const auto& [name, tensor] : state) {
    if (name.starts_with(prefix)) part[name.substr(prefix.size())] = tensor;
  }
  return part;
}

/// Lets the encoder fit its tensors, e.g. resize position tables; names what it changed.
std::vector<std::string> fit_encoder(const Model& model, StateDict& state) {
  std::vector<std::string> resized;
  const StateDict fitted = model.encoder().fit_weights(inside(state, kEncoder));
  for (auto item = state.begin(); item != state.end();) {
    const bool dropped =
        item->first.starts_with(kEncoder) && !fitted.contains(item->first.substr(std::string(kEncoder).size()));
    item = dropped ? state.erase(item) : std::next(item);
  }
  for (const auto& [name, tensor] : fitted) {
    const std::string full = kEncoder + name;
    const auto before = state.find(full);
    if (before != state.end() && before->second.sizes() != tensor.sizes()) resized.push_back(full);
    state[full] = tensor;
  }
  return resized;
}

/// New parameters count only in rooms that the file speaks of.
std::vector<std::string> missing_in_rooms(const LoadReport& report, const StateDict& state) {
  std::set<std::string> rooms;
  for (const auto& [name, tensor] : state) rooms.insert(split(name, '.').front());
  std::vector<std::string> missing;
  for (const auto& name : report.missing) {
    if (rooms.contains(split(name, '.').front())) missing.push_back(name);
  }
  return missing;
}

void require_fit(const LoadReport& report, const StateDict& state, const WeightsEntry& entry) {
  const auto missing = missing_in_rooms(report, state);
  if (report.loaded.empty()) throw ConfigError(text("weights: nothing in ", entry.file, " fits this model by name"));
  if (!report.mismatched.empty()) {
    throw ConfigError(text("weights: shapes in ", entry.file, " differ: ", join(report.mismatched)));
  }
  if (!entry.strict || (missing.empty() && report.unexpected.empty())) return;
  throw ConfigError(text("weights: ", entry.file,
                         " does not fit strictly; not in the file: ", missing.empty() ? "none" : join(missing),
                         "; not in the model: ", report.unexpected.empty() ? "none" : join(report.unexpected),
                         "; \"strict\": false takes what fits"));
}

void load_entry(Model& model, const WeightsEntry& entry, const std::filesystem::path& folder) {
  StateDict state = read_safetensors(find_file(entry.file, folder)).tensors;
  const auto resized = fit_encoder(model, state);
  LoadReport report = load_state(model, state);
  report.resized = resized;
  require_fit(report, state, entry);
  log_info(text("weights ", entry.file, ": ", report.summary()));
}

bool trains(const torch::Tensor& tensor) { return tensor.requires_grad(); }

/// The checkpoint's tensors, averaged ones in place of trained ones where asked for.
StateDict chosen(const Checkpoint& checkpoint, Weights weights) {
  StateDict state = checkpoint.model;
  if (weights == Weights::Trained) return state;
  for (const auto& [name, tensor] : checkpoint.ema) state[name] = tensor;
  return state;
}

}  // namespace

std::shared_ptr<Model> initial_model(const Experiment& experiment, const DatasetInfo& dataset,
                                     const Registry& registry) {
  torch::manual_seed(experiment.seed());
  const ModelSetup setup{std::ssize(dataset.channels), std::ssize(dataset.classes), experiment.patch()};
  auto model = Model::build(registry, experiment.resolved().at("model"), setup);
  for (const auto& entry : experiment.options().weights) load_entry(*model, entry, experiment.folder());
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

void restore_weights(Model& model, const Checkpoint& checkpoint, Weights weights) {
  StateDict state = chosen(checkpoint, weights);
  model.prompter().restore(inside(state, kPrompter));
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
