// A short training with one case, and a prediction that ends after its first windows.
#include "engine/ablate/probe.hpp"

#include "engine/ablate/plan.hpp"
#include "engine/predict/predictor.hpp"
#include "engine/train/checkpoint.hpp"
#include "engine/train/trainer.hpp"

#include <lamina/base/error.hpp>

#include <algorithm>
#include <chrono>

namespace lamina::engine {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// Epochs and steps: the first epoch pays for set-up, the second is measured.
constexpr int64_t kEpochs = 2, kSteps = 3, kWindows = 4;

double seconds_between(Clock::time_point start, Clock::time_point end) {
  return std::chrono::duration<double>(end - start).count();
}

/// The first training case of a dataset, and nothing else.
class OneCase : public Dataset {
 public:
  explicit OneCase(std::shared_ptr<const Dataset> all) : all_(std::move(all)) {}
  DatasetInfo info() const override { return all_->info(); }
  std::vector<std::string> ids(Split split) const override {
    if (split != Split::Train) return {};
    auto ids = all_->ids(Split::Train);
    if (ids.empty()) throw DataError("the dataset has no training cases");
    ids.resize(1);
    return ids;
  }
  Case load(const std::string& id, WithLabels labels) const override { return all_->load(id, labels); }
  std::string fingerprint() const override { return all_->fingerprint(); }

 private:
  std::shared_ptr<const Dataset> all_;
};

Experiment shortened(const Experiment& experiment, const Registry& registry) {
  const auto set = [](const std::string& path, const std::string& json) {
    return Override{path, ConfigNode::parse(json), false, "the probe"};
  };
  return Experiment::from_node(
      experiment.resolved(), experiment.folder(),
      {set("train.epochs", std::to_string(kEpochs)), set("train.iterations", std::to_string(kSteps)),
       set("train.schedule", R"({"type": "constant"})"), set("train.stop", R"({"rule": "none"})"),
       set("train.checkpoint.every", std::to_string(kEpochs)), set("runtime.encoder_cache", R"("off")")},
      registry);
}

struct EnoughSeen {};

/// All windows of the case, judged by the first few of them; the very first pays for set-up.
double predict_seconds(const Predictor& predictor, Case one) {
  double whole = 0;
  int64_t first = 0;
  const auto start = Clock::now();
  Clock::time_point after_first;
  const auto tick = [&](int64_t done, int64_t total) {
    const auto now = Clock::now();
    if (first == 0) {
      first = done, after_first = now;
    } else if (done >= kWindows && done < total) {
      whole = seconds_between(after_first, now) / static_cast<double>(done - first) * static_cast<double>(total);
      throw EnoughSeen{};
    }
  };
  try {
    predictor.predict(std::move(one), tick);
    return seconds_between(start, Clock::now());
  } catch (const EnoughSeen&) {
    return whole;
  }
}

int64_t validations(const TrainSection& train) {
  return train.epochs / train.validate_every + (train.epochs % train.validate_every == 0 ? 0 : 1);
}

}  // namespace

RunCost probe(const Experiment& experiment, const fs::path& scratch, const Registry& registry) {
  const std::shared_ptr<const Dataset> dataset = open_dataset(experiment, registry);
  const auto one = std::make_shared<OneCase>(dataset);
  const TransformContext context{dataset->info(), experiment.patch()};
  const auto chain = std::make_shared<PrepareChain>(experiment.options().prepare, context, registry);
  chain->fit(*one, one->ids(Split::Train));
  PreparedDataset data(one, chain, scratch / "prepared");
  RunFolder folder(scratch / "run");
  const Experiment brief = shortened(experiment, registry);
  folder.begin(brief, registry);
  train(brief, data, folder, registry);
  RunCost cost;
  cost.step_seconds = folder.status().step_seconds;
  const Predictor predictor({checkpoint_file(folder.checkpoints(), "last")}, registry);
  const auto test = dataset->ids(Split::Test);
  if (test.empty()) throw DataError("the dataset has no test cases; give its split a test share");
  const WithLabels labels = predictor.uses_ground_truth() ? WithLabels::Yes : WithLabels::No;
  cost.seconds_per_case = predict_seconds(predictor, dataset->load(test.front(), labels));
  const TrainSection& section = experiment.options().train;
  auto validation_cases = std::ssize(dataset->ids(Split::Val));
  if (section.validation_cases > 0) validation_cases = std::min(validation_cases, section.validation_cases);
  cost.train_seconds = cost.step_seconds * static_cast<double>(section.epochs * section.iterations) +
                       cost.seconds_per_case * static_cast<double>(validations(section) * validation_cases);
  cost.infer_seconds = cost.seconds_per_case * static_cast<double>(test.size());
  cost.peak_memory_bytes = peak_memory();
  return cost;
}

fs::path probe_file(const fs::path& folder) { return folder / "probe.json"; }

ConfigNode RunCost::to_node() const {
  ConfigNode node = ConfigNode::object();
  node.set("step_seconds", step_seconds);
  node.set("seconds_per_case", seconds_per_case);
  node.set("train_seconds", train_seconds);
  node.set("infer_seconds", infer_seconds);
  node.set("peak_memory_bytes", peak_memory_bytes);
  return node;
}

RunCost RunCost::from_node(const ConfigNode& node) {
  return {node.at("step_seconds").as_number(), node.at("seconds_per_case").as_number(),
          node.at("train_seconds").as_number(), node.at("infer_seconds").as_number(),
          node.at("peak_memory_bytes").as_integer()};
}

}  // namespace lamina::engine
