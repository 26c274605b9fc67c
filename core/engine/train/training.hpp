// The training of one run: its parts, its state, its loop.
#pragma once

#include "engine/data/prefetch.hpp"
#include "engine/data/sampler.hpp"
#include "engine/predict/predictor.hpp"
#include "engine/run/progress.hpp"
#include "engine/train/checkpoint.hpp"
#include "engine/train/ema.hpp"
#include "engine/train/event_file.hpp"
#include "engine/train/median_stop.hpp"
#include "engine/train/run_log.hpp"
#include "engine/train/step.hpp"
#include "engine/train/trainer.hpp"

#include <lamina/objective/schedule.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lamina::engine {

class Training {
 public:
  Training(const Experiment& experiment, const PreparedDataset& data, const RunFolder& folder, const Registry& registry,
           const std::vector<std::filesystem::path>& others);
  TrainResult run();

 private:
  using Clock = std::chrono::steady_clock;

  void resume();
  void make_encoder();
  void make_sampler();
  void make_validation();
  void make_events();
  void announce() const;

  Batch batch(int64_t index) const;
  void run_epoch();
  void one_step();
  void count(const StepResult& result, double rate, double seconds);
  void finish_epoch();
  bool measure_epoch(EpochRow& row);
  const std::optional<double>& deciding_score(const EpochRow& row) const;
  bool improves(double score) const;
  double validation_loss() const;

  void save(bool best);
  void fit_postprocess();
  void stop_if_asked();
  void report(bool force);
  std::string note() const;
  bool finished() const { return counters_.epoch >= section_.epochs || !counters_.stopped.empty(); }
  int64_t total_steps() const { return section_.epochs * section_.iterations; }
  TrainResult result() const;

  const Experiment& experiment_;
  const TrainSection& section_;
  const PreparedDataset& data_;
  const RunFolder& folder_;
  const Registry& registry_;
  DatasetInfo info_;
  torch::Device device_;
  std::shared_ptr<Model> model_;
  std::shared_ptr<Optimizer> optimizer_;
  std::shared_ptr<Schedule> schedule_;
  std::optional<Ema> ema_;
  std::optional<TrainStep> step_;
  std::shared_ptr<const RowEncoder> rows_;  // null: the encoder trains, or sees no patch twice
  const MedianStop stop_;
  Counters counters_;
  std::string frozen_;
  std::unique_ptr<RunLog> log_;
  std::optional<EventFile> events_;
  std::unique_ptr<Sampler> sampler_, validation_sampler_;
  std::vector<std::string> validation_ids_;
  std::unique_ptr<Predictor> predictor_;
  std::unique_ptr<Prefetch> prefetch_;
  std::unique_ptr<Progress> progress_;
  RunStatus status_;
  std::string last_note_;
  Clock::time_point reported_;
};

}  // namespace lamina::engine
