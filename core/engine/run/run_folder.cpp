// Writes and reads what a run folder says about its run.
#include "engine/run/run_folder.hpp"

#include "engine/run/heartbeat.hpp"
#include "engine/run/liveness.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>

namespace lamina::engine {
namespace {

double number_or(const ConfigNode& node, const std::string& key, double otherwise) {
  return node.contains(key) && node.at(key).is_number() ? node.at(key).as_number() : otherwise;
}

int64_t integer_or(const ConfigNode& node, const std::string& key, int64_t otherwise) {
  return node.contains(key) && node.at(key).is_integer() ? node.at(key).as_integer() : otherwise;
}

bool flag_or(const ConfigNode& node, const std::string& key, bool otherwise) {
  return node.contains(key) && node.at(key).is_bool() ? node.at(key).as_bool() : otherwise;
}

ConfigNode to_node(const StageHashes& hashes) {
  ConfigNode node = ConfigNode::object();
  node.set("prepare", hashes.prepare);
  node.set("train", hashes.train);
  node.set("infer", hashes.infer);
  node.set("evaluate", hashes.evaluate);
  return node;
}

StageHashes hashes_of(const ConfigNode& node) {
  return {node.text_or("prepare", ""), node.text_or("train", ""), node.text_or("infer", ""),
          node.text_or("evaluate", "")};
}

ConfigNode to_node(const RunStatus& status) {
  ConfigNode node = ConfigNode::object();
  node.set("state", status.state);
  node.set("stage", status.stage);
  node.set("error", status.error);
  if (!status.stopped_early.empty()) node.set("stopped_early", status.stopped_early);
  node.set("hashes", to_node(status.hashes));
  node.set("epoch", status.epoch);
  node.set("epochs", status.epochs);
  node.set("parameters_trainable", status.parameters_trainable);
  node.set("parameters_total", status.parameters_total);
  node.set("peak_memory_bytes", status.peak_memory_bytes);
  node.set("train_seconds", status.train_seconds);
  node.set("step_seconds", status.step_seconds);
  node.set("infer_seconds", status.infer_seconds);
  node.set("seconds_per_case", status.seconds_per_case);
  node.set("best_score", std::isfinite(status.best_score) ? status.best_score : 0.0);
  node.set("uses_ground_truth", status.uses_ground_truth);
  node.set("pid", status.pid);
  node.set("host", status.host);
  node.set("heartbeat", status.heartbeat);
  return node;
}

RunStatus status_of(const ConfigNode& node) {
  RunStatus status;
  status.state = node.text_or("state", status.state);
  status.stage = node.text_or("stage", "");
  status.error = node.text_or("error", "");
  status.stopped_early = node.text_or("stopped_early", "");
  if (node.contains("hashes")) status.hashes = hashes_of(node.at("hashes"));
  status.epoch = integer_or(node, "epoch", 0);
  status.epochs = integer_or(node, "epochs", 0);
  status.parameters_trainable = integer_or(node, "parameters_trainable", 0);
  status.parameters_total = integer_or(node, "parameters_total", 0);
  status.peak_memory_bytes = integer_or(node, "peak_memory_bytes", 0);
  status.train_seconds = number_or(node, "train_seconds", 0);
  status.step_seconds = number_or(node, "step_seconds", 0);
  status.infer_seconds = number_or(node, "infer_seconds", 0);
  status.seconds_per_case = number_or(node, "seconds_per_case", 0);
  status.best_score = number_or(node, "best_score", 0);
  status.uses_ground_truth = flag_or(node, "uses_ground_truth", false);
  status.pid = integer_or(node, "pid", 0);
  status.host = node.text_or("host", "");
  status.heartbeat = number_or(node, "heartbeat", 0);
  return status;
}

}  // namespace

RunFolder::RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

void RunFolder::begin(const Experiment& experiment, const Registry& registry) {
  make_folder(path_);
  write_file(this->experiment(), experiment.resolved().dump(2) + "\n");
  write_file(environment(), environment_of(experiment, registry).dump(2) + "\n");
  reset_peak_memory();
}

RunStatus RunFolder::status() const {
  std::error_code ignored;
  if (!std::filesystem::exists(status_file(), ignored)) return {};
  try {
    RunStatus status = status_of(ConfigNode::parse(read_file(status_file()), status_file().string()));
    status.heartbeat = std::max(status.heartbeat, time_of_file(status_file()));
    return status;
  } catch (const ConfigError& problem) {
    throw DataError(text(status_file().string(), " is damaged: ", problem.what(), "; delete it to run again"));
  }
}

void RunFolder::set_status(const RunStatus& status) const {
  RunStatus stamped = status;
  const Worker own = own_worker();
  stamped.pid = own.pid;
  stamped.host = own.host;
  stamped.heartbeat = own.heartbeat;
  write_file(status_file(), to_node(stamped).dump(2) + "\n");
}

}  // namespace lamina::engine
