// One cell of a study: prepare, train, predict the test set, evaluate. What is finished is not done again.
#include "engine/ablate/earlier_seeds.hpp"
#include "engine/ablate/plan.hpp"
#include "engine/evaluate/folder.hpp"
#include "engine/predict/predictor.hpp"
#include "engine/run/device.hpp"
#include "engine/run/folder_lock.hpp"
#include "engine/run/heartbeat.hpp"
#include "engine/run/interrupt.hpp"
#include "engine/train/checkpoint.hpp"
#include "engine/train/trainer.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/safetensors.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>

namespace lamina::engine {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::array<const char*, 4> kStages{"prepare", "train", "infer", "evaluate"};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

class CellRun {
 public:
  CellRun(const Experiment& experiment, const RunFolder& folder, fs::path cache, const Registry& registry, Stage last)
      : experiment_(experiment),
        folder_(folder),
        cache_(std::move(cache)),
        registry_(registry),
        stages_(static_cast<size_t>(last) + 1) {
    dataset_ = open_dataset(experiment, registry);
    hashes_ = experiment.hashes(registry, dataset_->fingerprint());
  }

  void go() {
    if (is_done(folder_, hashes_)) return;
    use_runtime(experiment_.options().runtime);
    begin();
    if (first_stage_ >= stages_) return;
    try {
      for (size_t stage = first_stage_; stage < stages_; ++stage) {
        enter(stage);
        (this->*kWork[stage])();
        throw_if_interrupted(folder_.path());
      }
      finish("done", "");
    } catch (const Interrupted&) {
      finish("stopped", "");
      throw;
    } catch (const std::exception& error) {
      finish("failed", error.what());
      throw;
    }
  }

 private:
  using Work = void (CellRun::*)();
  static const std::array<Work, 4> kWork;

  /// Finds the first stage that is not done with these hashes, and clears what later stages left of other hashes.
  void begin() {
    const RunStatus before = folder_.status();
    const std::array<bool, 4> same{before.hashes.prepare == hashes_.prepare, before.hashes.train == hashes_.train,
                                   before.hashes.infer == hashes_.infer, before.hashes.evaluate == hashes_.evaluate};
    size_t changed = 0;
    while (changed < same.size() && same[changed]) ++changed;
    first_stage_ = std::min({stages_done(before), changed, kStages.size() - 1});
    if (!before.stage.empty() && changed < kStages.size()) clear_from(changed);
    folder_.begin(experiment_, registry_);
    if (first_stage_ <= 1) first_stage_ = 0;  // the cache of prepared cases may be gone
    status_ = changed > 1 ? before : RunStatus{};
    if (changed <= 2) status_.infer_seconds = status_.seconds_per_case = 0;
    status_.error.clear();
    status_.hashes = hashes_;
  }

  void clear_from(size_t stage) const {
    if (stage <= 1) {
      for (const auto& path : {folder_.checkpoints(), folder_.curves(), folder_.log()}) fs::remove_all(path);
    }
    if (stage <= 2) fs::remove_all(folder_.predictions());
    for (const auto& path : {folder_.metrics(), folder_.summary()}) fs::remove(path);
  }

  void enter(size_t stage) {
    status_.state = "running";
    status_.stage = kStages[stage];
    folder_.set_status(status_);
  }

  /// Training keeps its own books in the same file: what it wrote is taken over.
  void adopt_training_status() {
    const RunStatus now = folder_.status();
    status_.epoch = now.epoch;
    status_.epochs = now.epochs;
    status_.step_seconds = now.step_seconds;
    status_.best_score = now.best_score;
    status_.peak_memory_bytes = std::max(status_.peak_memory_bytes, now.peak_memory_bytes);
  }

  void finish(const std::string& state, const std::string& error) {
    if (status_.stage == "train") adopt_training_status();
    status_.state = state;
    status_.error = error;
    status_.peak_memory_bytes = std::max(status_.peak_memory_bytes, peak_memory());
    folder_.set_status(status_);
  }

  void prepare() {
    const DatasetInfo info = dataset_->info();
    const auto model = build_model(experiment_, info, registry_);
    for (const auto& count : count_parameters(*model)) {
      if (count.room != "total") continue;
      status_.parameters_trainable = count.trainable;
      status_.parameters_total = count.total;
    }
    status_.uses_ground_truth = model->uses_labels() == LabelUse::Oracle;
    if (!shared_checkpoint().empty()) return;
    PreparedDataset data = prepared(fitted_chain(info));
    std::vector<std::string> ids = dataset_->ids(Split::Train);
    for (const auto& id : dataset_->ids(Split::Val)) ids.push_back(id);
    data.warm(ids, experiment_.options().runtime.threads);
  }

  fs::path prepared_folder() const { return cache_ / hashes_.prepare; }

  PreparedDataset prepared(std::shared_ptr<const PrepareChain> chain) const {
    return {dataset_, std::move(chain), prepared_folder()};
  }

  /// What the prepare chain learned is kept beside the cached cases.
  std::shared_ptr<const PrepareChain> fitted_chain(const DatasetInfo& info) const {
    const TransformContext context{info, experiment_.patch()};
    auto chain = std::make_shared<PrepareChain>(experiment_.options().prepare, context, registry_);
    const fs::path state = prepared_folder() / "prepare.safetensors";
    if (fs::exists(state)) {
      chain->restore(read_safetensors(state).tensors);
    } else {
      chain->fit(*dataset_, dataset_->ids(Split::Train));
      make_folder(prepared_folder());
      write_safetensors(state, chain->state());
    }
    return chain;
  }

  /// Runs of the same study that `train.stop` compares with: those that went to their end with their own training.
  std::vector<fs::path> curves_of_earlier_seeds() const {
    std::vector<fs::path> curves;
    if (!experiment_.options().train.stop.active()) return curves;
    for (const RunFolder& other : earlier_seeds(folder_)) {
      const RunStatus status = other.status();
      const bool whole = status.stopped_early.empty() && stages_done(status) > static_cast<size_t>(Stage::Train);
      if (whole && fs::exists(other.curves())) curves.push_back(other.curves());
    }
    return curves;
  }

  void train_stage() {
    if (adopt_shared_checkpoint()) return;
    PreparedDataset data = prepared(fitted_chain(dataset_->info()));
    const TrainResult result = train(experiment_, data, folder_, registry_, curves_of_earlier_seeds());
    adopt_training_status();
    status_.train_seconds = result.seconds;
    status_.stopped_early = result.stopped_early;
  }

  /// The checkpoint of another cell that was trained with the same hash; empty: none.
  fs::path shared_checkpoint() const {
    const fs::path study = folder_.path().parent_path();
    if (has_checkpoint(folder_.checkpoints(), "last") || !fs::is_directory(study)) return {};
    for (const auto& entry : fs::directory_iterator(study)) {
      if (!entry.path().filename().string().ends_with(hashes_.train.substr(0, 8)) || entry.path() == folder_.path())
        continue;
      const RunFolder other(entry.path());
      const RunStatus status = other.status();
      const bool trained =
          status.hashes.train == hashes_.train && stages_done(status) > static_cast<size_t>(Stage::Train);
      if (trained && has_checkpoint(other.checkpoints(), "last")) return entry.path();
    }
    return {};
  }

  /// An arm that differs only after training points to the checkpoint that is there.
  bool adopt_shared_checkpoint() {
    const fs::path source = shared_checkpoint();
    if (source.empty()) return false;
    const RunFolder other(source);
    for (const std::string which : {"best", "last"}) {
      if (!has_checkpoint(other.checkpoints(), which)) continue;
      const fs::path file = fs::canonical(checkpoint_file(other.checkpoints(), which));
      const fs::path target = fs::relative(file, fs::weakly_canonical(folder_.checkpoints()));
      make_folder(folder_.checkpoints());
      write_file(folder_.checkpoints() / which, target.string() + "\n");
    }
    const RunStatus theirs = other.status();
    status_.epoch = theirs.epoch;
    status_.epochs = theirs.epochs;
    status_.step_seconds = theirs.step_seconds;
    status_.best_score = theirs.best_score;
    status_.train_seconds = theirs.train_seconds;
    status_.stopped_early = theirs.stopped_early;
    log_info(text("trained already as ", source.filename().string(), "; its checkpoint is used"));
    return true;
  }

  /// Settings of this arm that may differ from those the checkpoint was trained with.
  std::vector<Override> inference_overrides() const {
    std::vector<Override> overrides;
    for (const std::string section : {"infer", "postprocess", "runtime"}) {
      overrides.push_back({section, experiment_.resolved().at(section), false, "the run's " + section});
    }
    return overrides;
  }

  std::vector<PredictTarget> targets() const {
    std::vector<PredictTarget> all;
    for (const auto& id : dataset_->ids(Split::Test)) all.push_back({id, folder_.predictions() / (id + ".nii.gz")});
    if (all.empty()) throw DataError("the dataset has no test cases; give its split a test share");
    return all;
  }

  void infer() {
    const fs::path checkpoint = predicting_checkpoint(folder_, experiment_.options().train.checkpoint.rule);
    Predictor predictor({checkpoint}, registry_, inference_overrides());
    if (!predictor.postprocess_fitted()) {  // another arm trained, with other post-processing
      predictor.fit_postprocess(dataset_->ids(Split::Val),
                                [&](const std::string& id) { return dataset_->load(id, WithLabels::Yes); });
    }
    make_folder(folder_.predictions());
    const auto all = targets();
    const auto missing =
        std::count_if(all.begin(), all.end(), [](const auto& target) { return !fs::exists(target.output); });
    const auto start = Clock::now();
    // Labels never reach prediction, except those that an oracle prompt declares.
    const WithLabels labels = predictor.uses_ground_truth() ? WithLabels::Yes : WithLabels::No;
    const auto failures = predict_all(
        predictor, all, [&](const std::string& id) { return dataset_->load(id, labels); }, true);
    status_.infer_seconds += seconds_since(start);
    if (missing > 0) status_.seconds_per_case = seconds_since(start) / static_cast<double>(missing);
    if (!failures.empty()) {
      throw DataError(
          text(failures.size(), " of ", all.size(), " test cases could not be predicted: ", join(failures, "; ")));
    }
  }

  void evaluate() {
    const auto& section = experiment_.options().evaluate;
    const Evaluator evaluator(section.metrics, section.empty, dataset_->info(), registry_);
    FolderOptions options;
    options.threads = experiment_.options().runtime.threads;
    const auto scores =
        evaluate_folder(folder_.predictions(), *dataset_, dataset_->ids(Split::Test), evaluator, options);
    write_metrics_csv(folder_.metrics(), scores.rows);
    write_summary(folder_.summary(), scores.rows, scores.files);
  }

  const Experiment& experiment_;
  RunFolder folder_;
  fs::path cache_;
  const Registry& registry_;
  std::shared_ptr<Dataset> dataset_;
  StageHashes hashes_;
  RunStatus status_;
  size_t first_stage_ = 0, stages_;
};

const std::array<CellRun::Work, 4> CellRun::kWork{&CellRun::prepare, &CellRun::train_stage, &CellRun::infer,
                                                  &CellRun::evaluate};

}  // namespace

fs::path predicting_checkpoint(const RunFolder& folder, const std::string& rule) {
  const fs::path checkpoints = folder.checkpoints();
  const std::string which = rule == "best" && has_checkpoint(checkpoints, "best") ? "best" : "last";
  if (!has_checkpoint(checkpoints, which)) {
    throw DataError(
        text(folder.path().string(), " has no trained model yet; `lamina train` or `lamina ablate` makes one"));
  }
  return checkpoint_file(checkpoints, which);
}

void run_cell(const Experiment& experiment, const RunFolder& folder, const fs::path& cache, const Registry& registry,
              Stage last) {
  const FolderLock lock(folder.path());
  const Heartbeat heart([&folder] { touch_file(folder.status_file()); });
  CellRun(experiment, folder, cache, registry, last).go();
}

}  // namespace lamina::engine
