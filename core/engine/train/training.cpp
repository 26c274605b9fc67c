// Sets a training up, or up again from its last checkpoint.
#include "engine/train/training.hpp"

#include "engine/data/split_overlap.hpp"
#include "engine/encode/encoder_cache.hpp"
#include "engine/run/device.hpp"
#include "engine/train/initial_model.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/trainable.hpp>

namespace lamina::engine {
namespace {

StepSetup setup_of(const Experiment& experiment, const torch::Device& device) {
  const auto& section = experiment.options().train;
  return {experiment.seed(), section.accumulate, section.epochs * section.iterations,
          section.clip,      section.amp,        device};
}

/// What a checkpoint must share with the experiment that goes on from it.
void require_same_training(const ConfigNode& stored, const ConfigNode& current, const std::filesystem::path& folder) {
  std::vector<std::string> changed;
  for (const std::string section : {"prepare", "augment", "model", "weights", "train", "loss", "seed"}) {
    const ConfigNode before = stored.contains(section) ? stored.at(section) : ConfigNode();
    const ConfigNode now = current.contains(section) ? current.at(section) : ConfigNode();
    const bool same = section == "train" ? without_idle_stop(before) == without_idle_stop(now) : before == now;
    if (!same) changed.push_back(section);
  }
  if (changed.empty()) return;
  throw ConfigError(text("the checkpoint in ", folder.string(), " was trained with other settings (", join(changed),
                         "); choose another run folder, or delete that one to start over"));
}

}  // namespace

Training::Training(const Experiment& experiment, const PreparedDataset& data, const RunFolder& folder,
                   const Registry& registry, const std::vector<std::filesystem::path>& others)
    : experiment_(experiment),
      section_(experiment.options().train),
      data_(data),
      folder_(folder),
      registry_(registry),
      info_(data.dataset().info()),
      device_(use_runtime(experiment.options().runtime)),
      model_(initial_model(experiment, info_, registry)),
      stop_(section_, others),
      frozen_(frozen_hash(*model_)),
      status_(folder.status()) {
  model_->to(device_);
  const auto parameters = trainable_parameters(*model_);
  if (parameters.empty() && section_.epochs > 0) {
    throw ConfigError(text("train.trainable: nothing trains, but train.epochs is ", section_.epochs,
                           "; give globs, or 0 epochs for a training-free method"));
  }
  const auto& options = experiment.options();
  optimizer_ = registry.create<Optimizer>(section_.optimizer, "train.optimizer", {parameters});
  schedule_ = registry.create<Schedule>(section_.schedule, "train.schedule", {section_.epochs, section_.iterations});
  const LossSetup loss_setup{std::ssize(info_.classes), info_.ignore};
  const auto loss = registry.create<Loss>(options.loss, "loss", loss_setup);
  loss->to(device_);
  if (section_.ema) ema_.emplace(*model_, *section_.ema);
  step_.emplace(model_, loss, optimizer_, setup_of(experiment, device_));
  resume();
}

void Training::resume() {
  if (!has_checkpoint(folder_.checkpoints(), "last")) return;
  const Checkpoint checkpoint = load_checkpoint(folder_.checkpoints(), "last");
  require_same_training(checkpoint.experiment, experiment_.resolved(), folder_.checkpoints());
  restore_weights(*model_, checkpoint, Weights::Trained);
  optimizer_->load(checkpoint.optimizer);
  if (ema_) ema_->load(checkpoint.ema);
  try {
    counters_ = Counters::from_node(checkpoint.state);
  } catch (const ConfigError& problem) {
    throw DataError(text("the checkpoint in ", folder_.checkpoints().string(), " is damaged: ", problem.what()));
  }
}

void Training::make_encoder() {
  rows_ = row_encoder(experiment_, *model_, data_, registry_);
  step_->encode_by(rows_);
}

void Training::make_sampler() {
  const auto& options = experiment_.options();
  const TransformContext context{info_, experiment_.patch()};
  SamplerSetup setup{data_.dataset().ids(Split::Train),
                     experiment_.patch(),
                     section_.batch,
                     section_.accumulate,
                     section_.foreground,
                     experiment_.seed()};
  sampler_ = std::make_unique<Sampler>(data_, setup, options.augment, context, registry_);
  const int64_t first = counters_.step * section_.accumulate, end = total_steps() * section_.accumulate;
  prefetch_ =
      std::make_unique<Prefetch>([this](int64_t index) { return batch(index); }, first, end, options.runtime.workers);
}

void Training::make_validation() {
  for (const auto& warning : split_warnings(data_.dataset())) log_warning(warning);
  validation_ids_ = data_.dataset().ids(Split::Val);
  const auto most = static_cast<size_t>(section_.validation_cases);
  if (most > 0 && validation_ids_.size() > most) validation_ids_.resize(most);
  if (validation_ids_.empty()) {
    log_warning("the dataset has no validation cases: the last checkpoint will predict");
    return;
  }
  predictor_ = std::make_unique<Predictor>(model_, experiment_, info_, data_.shared_chain(), registry_, rows_);
  if (section_.checkpoint.metric != "loss") return;
  const TransformContext context{info_, experiment_.patch()};
  const SamplerSetup setup{validation_ids_,     experiment_.patch(), section_.batch, 1,
                           section_.foreground, experiment_.seed()};
  validation_sampler_ = std::make_unique<Sampler>(data_, setup, std::vector<ConfigNode>{}, context, registry_);
}

void Training::make_events() {
  if (experiment_.options().runtime.tensorboard) {
    events_.emplace(folder_, experiment_.resolved());
  } else {
    EventFile::remove_all(folder_);
  }
}

void Training::announce() const {
  int64_t trainable = 0, total = 0;
  for (const auto& count : count_parameters(*model_)) {
    if (count.room == "total") trainable = count.trainable, total = count.total;
  }
  log_info(text("training ", trainable, " of ", total, " parameters on ", device_.str(), ", ", section_.epochs,
                " epochs of ", section_.iterations, " steps, ", section_.batch * section_.accumulate, " patches of ",
                join(experiment_.patch(), "x"), " each"));
  if (counters_.step > 0) {
    log_info(text("going on after step ", counters_.step, " of ", total_steps(), " (epoch ", counters_.epoch + 1, ")"));
  }
}

Batch Training::batch(int64_t index) const {
  const int64_t batches = section_.iterations * section_.accumulate;
  return sampler_->batch(index / batches, index % batches);
}

TrainResult Training::result() const {
  return {counters_.epoch, counters_.best.value_or(0), counters_.seconds, counters_.stopped};
}

TrainResult Training::run() {
  if (section_.epochs == 0 && !has_checkpoint(folder_.checkpoints(), "last")) save(true);
  if (finished()) {
    fit_postprocess();  // does nothing where that is done
    return result();
  }
  log_ = std::make_unique<RunLog>(folder_, counters_);
  make_events();
  announce();
  make_encoder();
  make_sampler();
  make_validation();
  progress_ = std::make_unique<Progress>("training", total_steps(), "steps");
  progress_->update(counters_.step);
  report(true);
  while (!finished()) run_epoch();
  progress_.reset();
  if (!counters_.stopped.empty()) log_info("stopped early " + counters_.stopped);
  log_info(text("trained ", counters_.epoch, " epochs in ", human_seconds(counters_.seconds), ", ",
                status_.step_seconds, " s a step, peak memory ", human_bytes(status_.peak_memory_bytes), ", ",
                last_note_));
  if (rows_ && rows_->cache()) {
    log_info(text("encoder cache: ", rows_->computed(), " patches were encoded, ", rows_->found(), " were there"));
  }
  fit_postprocess();
  return result();
}

}  // namespace lamina::engine
