// From a raw case to a label map on its own grid.
#include "engine/predict/predictor.hpp"

#include "engine/predict/argmax_sink.hpp"
#include "engine/predict/dataset_info.hpp"
#include "engine/predict/ensemble.hpp"
#include "engine/predict/postprocess_chain.hpp"
#include "engine/run/device.hpp"
#include "engine/run/interrupt.hpp"
#include "engine/run/progress.hpp"
#include "engine/train/initial_model.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/merged_maps.hpp>

#include <algorithm>
#include <atomic>

#include <ATen/ops/equal.h>

namespace lamina::engine {

namespace fs = std::filesystem;

struct Predictor::Parts {
  Experiment experiment;
  DatasetInfo dataset;
  std::shared_ptr<const PrepareChain> chain;
  std::shared_ptr<Inferer> inferer;
  PostprocessChain postprocess;
  std::optional<Ensemble> ensemble;
  mutable std::atomic<int64_t> announced{0};  // bytes

  bool uses_ground_truth() const {
    const auto& models = ensemble->models();
    return std::any_of(models.begin(), models.end(),
                       [](const auto& model) { return model->uses_labels() == LabelUse::Oracle; });
  }

  /// Everything beside the models, as the experiment says.
  void equip(const Registry& registry) {
    const ExperimentOptions& options = experiment.options();
    const int64_t classes = std::ssize(dataset.classes);
    inferer =
        registry.create<Inferer>(options.infer, "infer", {experiment.patch(), classes, options.train.batch, dataset});
    postprocess = PostprocessChain(options.postprocess, classes, registry);
  }

  void infer(const Case& prepared, SlabSink& sink, const Tick& tick) const {
    std::vector<std::unique_ptr<MergedMaps>> merged;  // low-rank adapters cost nothing while a case is predicted
    for (const auto& model : ensemble->models()) {
      model->set_mode(Mode::Infer);
      merged.push_back(std::make_unique<MergedMaps>(*model));
    }
    inferer->run(
        prepared, [&](Batch batch) { return ensemble->forward(batch); }, sink, tick ? tick : [](int64_t, int64_t) {});
  }
};

namespace {

/// Said before the work starts, and again only for a case that needs clearly more.
void announce(const std::string& id, int64_t bytes, std::atomic<int64_t>& announced) {
  if (static_cast<double>(bytes) < 1.1 * static_cast<double>(announced.load())) return;
  announced = bytes;
  log_info(text("case ", id, ": prediction holds up to ", human_bytes(bytes),
                " beside the case and the network's own activations"));
}

void keep_labels_out(Case& one) {
  one.labels = {};
  one.instances = {};
}

void require_channels(const Case& one, const DatasetInfo& dataset) {
  const int64_t channels = one.images.primary().voxels.size(0);
  if (channels == std::ssize(dataset.channels)) return;
  throw DataError(text("case ", one.id, " has ", channels, channels == 1 ? " channel" : " channels", ", expected ",
                       dataset.channels.size(), " (", join(dataset.channels), "), as in training"));
}

/// Pretrained files need not be there any more when the checkpoint holds every parameter.
std::vector<Override> with_own_weights(const Checkpoint& checkpoint, std::vector<Override> overrides) {
  const std::string contents = checkpoint.experiment.at("train").at("checkpoint").text_or("contents", "all");
  if (contents == "all") overrides.insert(overrides.begin(), {"weights", ConfigNode::array(), false, "the checkpoint"});
  return overrides;
}

DatasetInfo dataset_of(const Checkpoint& checkpoint, const fs::path& file) {
  if (!checkpoint.state.contains(kDatasetKey))
    throw DataError(text(file.string(), " does not say which dataset it was trained on"));
  return dataset_info_from_node(checkpoint.state.at(kDatasetKey));
}

bool same_tensors(const TensorDict& a, const TensorDict& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& left, const auto& right) {
    return left.first == right.first && at::equal(left.second, right.second);
  });
}

/// An ensemble prepares a case once, so its members must prepare alike.
void require_agreement(const Checkpoint& first, const Checkpoint& other, const fs::path& first_file,
                       const fs::path& file) {
  std::vector<std::string> differences;
  const auto compare = [&](const std::string& what, const ConfigNode& a, const ConfigNode& b) {
    if (!(a == b)) differences.push_back(text(what, " (", a.dump(), " and ", b.dump(), ")"));
  };
  const ConfigNode a = first.state.at(kDatasetKey), b = other.state.at(kDatasetKey);
  compare("channels", a.at("channels"), b.at("channels"));
  compare("classes", a.at("classes"), b.at("classes"));
  compare("prepare", first.experiment.at("prepare"), other.experiment.at("prepare"));
  compare("train.patch", first.experiment.at("train").at("patch"), other.experiment.at("train").at("patch"));
  if (differences.empty() && !same_tensors(first.prepare, other.prepare)) {
    differences.push_back("what `prepare` learned from their training cases");
  }
  if (differences.empty()) return;
  throw ConfigError(text(first_file.string(), " and ", file.string(), " cannot predict together; they differ in ",
                         join(differences, "; ")));
}

}  // namespace

Predictor::Predictor(const std::vector<fs::path>& checkpoints, const Registry& registry,
                     const std::vector<Override>& overrides)
    : parts_(std::make_unique<Parts>()) {
  if (checkpoints.empty()) throw ConfigError("prediction needs at least one checkpoint");
  Parts& parts = *parts_;
  std::vector<std::shared_ptr<Model>> models;
  std::optional<Checkpoint> first;
  std::optional<torch::Device> device;
  for (const fs::path& file : checkpoints) {
    Checkpoint checkpoint = read_checkpoint(file);
    const DatasetInfo dataset = dataset_of(checkpoint, file);
    if (first) require_agreement(*first, checkpoint, checkpoints.front(), file);
    const auto experiment = Experiment::from_node(checkpoint.experiment, file.parent_path(),
                                                  with_own_weights(checkpoint, overrides), registry);
    if (!device) device = use_runtime(experiment.options().runtime);
    models.push_back(initial_model(experiment, dataset, registry));
    restore_weights(*models.back(), checkpoint, Weights::Averaged);
    models.back()->to(*device);
    if (first) continue;
    parts.experiment = experiment;
    parts.dataset = dataset;
    checkpoint.optimizer.clear();
    first = std::move(checkpoint);
  }
  auto chain = std::make_shared<PrepareChain>(parts.experiment.options().prepare,
                                              TransformContext{parts.dataset, parts.experiment.patch()}, registry);
  chain->restore(first->prepare);
  parts.chain = chain;
  parts.ensemble.emplace(models, parts.experiment.options().train.amp, parts.experiment.seed());
  parts.equip(registry);
  const bool learned = first->state.contains(kPostprocessFittedKey);
  const bool same = first->experiment.at("postprocess") == parts.experiment.resolved().at("postprocess");
  if (learned && same) parts.postprocess.restore(first->postprocess);
}

Predictor::Predictor(std::shared_ptr<Model> model, const Experiment& experiment, const DatasetInfo& dataset,
                     std::shared_ptr<const PrepareChain> chain, const Registry& registry,
                     std::shared_ptr<const RowEncoder> rows)
    : parts_(std::make_unique<Parts>()) {
  parts_->experiment = experiment;
  parts_->dataset = dataset;
  parts_->chain = std::move(chain);
  parts_->ensemble.emplace(std::vector{std::move(model)}, experiment.options().train.amp, experiment.seed(),
                           std::move(rows));
  parts_->equip(registry);
}

Predictor::~Predictor() = default;

Volume Predictor::predict(Case raw, const Tick& tick) const {
  return parts_->postprocess.apply(predict_plain(std::move(raw), tick));
}

Volume Predictor::predict_plain(Case raw, const Tick& tick) const {
  require_channels(raw, parts_->dataset);
  if (!uses_ground_truth()) keep_labels_out(raw);
  std::vector<Frame> frames;
  const Case prepared = parts_->chain->apply(std::move(raw), frames);
  announce(prepared.id, peak_bytes(prepared), parts_->announced);
  ArgmaxSink winner(frames.front().size, std::ssize(parts_->dataset.classes));
  const auto sinks = parts_->chain->inverse(frames, winner);
  parts_->infer(prepared, sinks.empty() ? winner : *sinks.back(), tick);
  return {winner.labels(), frames.front().geometry};
}

void Predictor::fit_postprocess(const std::vector<std::string>& ids,
                                const std::function<Case(const std::string&)>& load) {
  Progress progress("predicting for postprocess", std::ssize(ids), "cases");
  progress.update(0);
  std::map<std::string, Volume> predictions;
  for (const auto& id : ids) {
    throw_if_interrupted("the last checkpoint");
    predictions[id] = predict_plain(load(id), {});
    progress.update(std::ssize(predictions));
  }
  parts_->postprocess.fit({ids, [&](const std::string& id) { return predictions.at(id); }, load});
}

bool Predictor::postprocess_fitted() const { return parts_->postprocess.fitted(); }
TensorDict Predictor::postprocess_state() const { return parts_->postprocess.state(); }

Volume Predictor::predict_prepared(const Case& prepared, const Tick& tick) const {
  require_channels(prepared, parts_->dataset);
  Case visible = prepared;
  if (!uses_ground_truth()) keep_labels_out(visible);
  ArgmaxSink winner(prepared.images.primary().size(), std::ssize(parts_->dataset.classes));
  parts_->infer(visible, winner, tick);
  return {winner.labels(), prepared.images.primary().geometry};
}

int64_t Predictor::peak_bytes(const Case& prepared) const {
  const Size3 size = prepared.images.primary().size();
  return parts_->inferer->peak_bytes(prepared) +
         size[0] * size[1] * size[2] * (parts_->dataset.classes.size() <= 256 ? 1 : 2);
}

const DatasetInfo& Predictor::dataset() const { return parts_->dataset; }
const Experiment& Predictor::experiment() const { return parts_->experiment; }
bool Predictor::uses_ground_truth() const { return parts_->uses_ground_truth(); }

}  // namespace lamina::engine
