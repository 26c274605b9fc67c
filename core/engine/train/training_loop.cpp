// Steps, epochs, validation and checkpoints of a training.
#include "engine/predict/dataset_info.hpp"
#include "engine/run/interrupt.hpp"
#include "engine/run/peak_memory.hpp"
#include "engine/train/initial_model.hpp"
#include "engine/train/training.hpp"
#include "engine/train/validation.hpp"

#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <iomanip>

namespace lamina::engine {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string rounded(double value) { return text(std::setprecision(4), value); }

}  // namespace

void Training::run_epoch() {
  model_->set_mode(Mode::Train);
  while (counters_.sums.steps < section_.iterations) one_step();
  finish_epoch();
}

void Training::one_step() {
  stop_if_asked();
  const auto start = Clock::now();
  const double rate = optimizer_->base_rate() * schedule_->factor(counters_.step);
  const StepResult result = step_->run(counters_.epoch, counters_.step, rate, [this] { return prefetch_->next(); });
  if (ema_) ema_->update(*model_);
  count(result, rate, seconds_since(start));
  log_->set_step(counters_.step);
  progress_->update(counters_.step, note());
  report(false);
}

void Training::count(const StepResult& result, double rate, double seconds) {
  auto& sums = counters_.sums;
  ++counters_.step;
  ++sums.steps;
  sums.loss += result.loss;
  sums.grad_norm += result.grad_norm;
  for (const auto& [name, value] : result.terms) sums.terms[name] += value;
  sums.rate = rate;
  sums.seconds += seconds;
  counters_.seconds += seconds;
  status_.step_seconds = sums.seconds / static_cast<double>(sums.steps);
}

void Training::finish_epoch() {
  const auto& sums = counters_.sums;
  const auto steps = static_cast<double>(sums.steps);
  EpochRow row;
  row.epoch = counters_.epoch + 1;
  row.step = counters_.step;
  row.rate = sums.rate;
  row.loss = sums.loss / steps;
  row.grad_norm = sums.grad_norm / steps;
  for (const auto& [name, value] : sums.terms) row.terms[name] = value / steps;
  const auto start = Clock::now();
  const bool best = measure_epoch(row);
  const double validation_seconds = seconds_since(start);
  row.seconds = sums.seconds + validation_seconds;
  counters_.seconds += validation_seconds;
  last_note_ = "loss " + rounded(row.loss) + (row.val_dice ? ", dice " + rounded(*row.val_dice) : "");
  counters_.epoch = row.epoch;
  counters_.sums = {};
  const ConfigNode entry = log_->add(row);
  if (events_) events_->add(entry);
  const auto& deciding = deciding_score(row);
  if (deciding) counters_.stopped = stop_.reason(row.epoch, *counters_.best);
  const bool due = row.epoch % section_.checkpoint.every == 0 || finished();
  if (best || due) save(best);
  report(true);
}

/// Validates when it is time to; true when this is the best epoch so far.
bool Training::measure_epoch(EpochRow& row) {
  const bool due = row.epoch % section_.validate_every == 0 || row.epoch == section_.epochs;
  if (!predictor_ || !due) return false;
  model_->set_mode(Mode::Infer);
  std::optional<AveragedWeights> averaged;
  if (ema_) averaged.emplace(*model_, ema_->state());
  const auto score = validate(*predictor_, data_, validation_ids_);
  if (validation_sampler_) row.val_loss = validation_loss();
  averaged.reset();
  if (!score) {
    stop_if_asked();
    return measure_epoch(row);  // the request was taken back
  }
  row.val_dice = score->dice;
  row.val_classes = score->classes;
  const auto& deciding = deciding_score(row);
  if (!deciding || !improves(*deciding)) return false;
  counters_.best = deciding;
  counters_.best_epoch = row.epoch;
  return true;
}

const std::optional<double>& Training::deciding_score(const EpochRow& row) const {
  return section_.checkpoint.metric == "loss" ? row.val_loss : row.val_dice;
}

bool Training::improves(double score) const {
  if (!counters_.best) return true;
  return section_.checkpoint.metric == "loss" ? score < *counters_.best : score > *counters_.best;
}

/// On the same patches every time.
double Training::validation_loss() const {
  const int64_t batches = std::max<int64_t>(1, section_.iterations / 5);  // nnU-Net's share
  double sum = 0;
  for (int64_t i = 0; i < batches; ++i) sum += step_->measure(validation_sampler_->batch(0, i));
  return sum / static_cast<double>(batches);
}

void Training::save(bool best) {
  Checkpoint checkpoint;
  checkpoint.model = kept_weights(*model_, section_.checkpoint.contents);
  if (ema_) checkpoint.ema = ema_->state();
  checkpoint.optimizer = optimizer_->state();
  checkpoint.prepare = data_.chain().state();
  checkpoint.experiment = experiment_.resolved();
  checkpoint.state = counters_.to_node();
  checkpoint.state.set("frozen", frozen_);
  checkpoint.state.set(kDatasetKey, dataset_info_to_node(info_));  // a checkpoint predicts without its dataset
  save_checkpoint(folder_.checkpoints(), checkpoint, counters_.step, best);
}

/// Post-processing learns from the validation cases; the checkpoint that predicts keeps the result.
void Training::fit_postprocess() {
  const auto ids = data_.dataset().ids(Split::Val);
  if (experiment_.options().postprocess.empty() || ids.empty()) return;
  const bool best = section_.checkpoint.rule == "best" && has_checkpoint(folder_.checkpoints(), "best");
  const auto file = checkpoint_file(folder_.checkpoints(), best ? "best" : "last");
  Predictor predictor({file}, registry_);
  if (predictor.postprocess_fitted()) return;
  predictor.fit_postprocess(ids, [this](const std::string& id) { return data_.dataset().load(id, WithLabels::Yes); });
  Checkpoint checkpoint = read_checkpoint(file);
  checkpoint.postprocess = predictor.postprocess_state();
  checkpoint.state.set(kPostprocessFittedKey, true);
  rewrite_checkpoint(file, checkpoint);
}

/// The state in the middle of an epoch is exact too: samples and dropout depend on the step alone.
void Training::stop_if_asked() {
  if (!interrupt_requested()) return;
  progress_.reset();
  save(false);
  report(true);
  throw_if_interrupted(folder_.checkpoints());
}

void Training::report(bool force) {
  constexpr double kHeartbeat = 20;  // seconds
  if (!force && seconds_since(reported_) < kHeartbeat) return;
  reported_ = Clock::now();
  status_.state = "running";
  status_.stage = "train";
  status_.epoch = counters_.epoch;
  status_.epochs = section_.epochs;
  status_.train_seconds = counters_.seconds;
  status_.best_score = counters_.best.value_or(0);
  status_.peak_memory_bytes = std::max(status_.peak_memory_bytes, peak_memory());
  folder_.set_status(status_);
}

std::string Training::note() const {
  const std::string epoch = text("epoch ", std::min(counters_.epoch + 1, section_.epochs), "/", section_.epochs);
  return last_note_.empty() ? epoch : epoch + ", " + last_note_;
}

}  // namespace lamina::engine
