// Reads a run folder; a damaged file is a fact about the run, not an error.
#include "engine/index/run_record.hpp"

#include "engine/experiment/sha256.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <exception>
#include <regex>
#include <set>

namespace lamina::engine {
namespace {

namespace fs = std::filesystem;

/// "Dataset004_Hippocampus" of a root, else the component's name: people know datasets by these.
std::string dataset_label(const ConfigNode& dataset) {
  const fs::path root = fs::path(dataset.text_or("root", "")).lexically_normal();
  const fs::path name = root.has_filename() ? root.filename() : root.parent_path().filename();
  return name.empty() ? dataset.text_or("type", "") : name.string();
}

void read_experiment(const RunFolder& folder, RunRecord& record) {
  const ConfigNode experiment = ConfigNode::parse(read_file(folder.experiment()), folder.experiment().string());
  record.dataset = dataset_label(experiment.at("dataset"));
  record.evaluate = experiment.at("evaluate");
  const ConfigNode train = experiment.at("train");
  if (train.contains("iterations")) record.iterations = train.at("iterations").as_integer();
}

void take_scores(const std::vector<MetricRow>& rows, RunRecord& record) {
  record.metrics = aggregate(rows);
  record.test_set = test_set_of(rows);
  std::set<std::string> cases;
  for (const auto& row : rows) {
    cases.insert(row.case_id);
    record.classes[row.class_id] = row.class_name;
  }
  record.cases = std::ssize(cases);
}

void read_folder(const RunFolder& folder, RunRecord& record) {
  RunData run{record.identity.seed, record.identity.fold, folder, {}, {}, {}, record.identity.planned};
  try {
    read_results(run);
  } catch (const std::exception&) {
    record.status = run.status;  // what was read before the damage
    throw;
  }
  record.status = run.status;
  record.curves = std::move(run.curves);
  if (!run.rows.empty()) take_scores(run.rows, record);
  // A run that only waits has no experiment yet.
  if (fs::exists(folder.experiment()) || record.status.state == "done") read_experiment(folder, record);
}

}  // namespace

RunIdentity identity_of_folder(const std::string& study, const std::string& folder) {
  static const std::regex kName("(.+)-s([0-9]{1,18})-[0-9a-f]{8}");
  std::smatch match;
  if (!std::regex_match(folder, match, kName)) return {study, folder, folder, 0, {}, ""};
  return {study, folder, match[1], std::stoll(match[2]), {}, ""};
}

RunRecord read_record(const fs::path& runs, const RunIdentity& identity) {
  RunRecord record;
  record.identity = identity;
  try {
    read_folder(RunFolder(runs / identity.study / identity.folder), record);
  } catch (const std::exception& error) {
    record.problem = error.what();
    record.status.state = "damaged";
  }
  return record;
}

std::string test_set_of(const std::vector<MetricRow>& rows) {
  std::set<std::string> facts;
  for (const auto& row : rows) {
    facts.insert(text(row.case_id, '\n', row.class_id, ' ', row.counts.reference, ' ', row.counts.voxels));
  }
  return sha256(join(facts, "\n")).substr(0, 16);
}

}  // namespace lamina::engine
