// lamina ablate: runs a study. lamina run-cell: one of its cells, in a process of its own.
#include "child_process.hpp"
#include "common.hpp"
#include "heavy.hpp"

#include "engine/ablate/estimate.hpp"
#include "engine/run/device.hpp"
#include "engine/run/interrupt.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <optional>
#include <set>

namespace lamina::cli {
namespace {

std::string what_is_left(const engine::PlannedCell& cell) {
  if (!cell.chosen) return "left out";
  if (cell.done) return "done";
  return cell.trains ? "train, predict, evaluate" : "predict, evaluate (trained already or by another arm)";
}

std::string parameters_of(const engine::PlannedArm& arm) {
  for (const auto& count : arm.parameters) {
    if (count.room == "total") return text(count.trainable, " of ", count.total);
  }
  return "";
}

/// What an arm costs a run, in the columns of the table of arms; nothing where no probe was wanted.
std::vector<std::string> cost_of(const engine::PlannedArm& arm, const std::optional<engine::Estimate>& estimate) {
  if (!estimate) return {};
  const auto found = estimate->arms.find(arm.arm.name);
  if (found == estimate->arms.end()) return {"-", "-", "-"};
  const engine::RunCost& cost = found->second.cost;
  return {human_seconds(cost.train_seconds), human_seconds(cost.infer_seconds), human_bytes(cost.peak_memory_bytes)};
}

std::string arms_text(const engine::Study& study, const engine::Plan& plan,
                      const std::optional<engine::Estimate>& estimate) {
  std::vector<std::string> head{"arm", "parameters that train"};
  if (estimate) head.insert(head.end(), {"training", "prediction", "memory"});
  head.push_back("differs from the baseline in");
  std::vector<std::vector<std::string>> rows{head};
  for (const auto& arm : plan.arms) {
    std::vector<std::string> paths, row{arm.arm.name, parameters_of(arm)};
    for (const auto& change : arm.changes) paths.push_back(change.path);
    for (const auto& cell : cost_of(arm, estimate)) row.push_back(cell);
    row.push_back(arm.arm.name == study.baseline ? "(baseline)" : join(paths));
    rows.push_back(std::move(row));
  }
  return table(rows);
}

std::string estimate_text(const engine::Estimate& estimate, int64_t jobs) {
  std::string words;
  const bool measured =
      std::any_of(estimate.arms.begin(), estimate.arms.end(), [](const auto& arm) { return arm.second.measured; });
  if (!estimate.arms.empty()) {
    words =
        text("about ", human_seconds(estimate.seconds), jobs > 1 ? text(" with ", jobs, " runs at a time") : "",
             " and up to ", human_bytes(estimate.peak_memory_bytes), " of memory, judged by a few steps of each arm",
             measured ? " or by its runs that are done" : "", "; reading and preparing cases not counted\n");
  }
  for (const auto& [reason, arms] : estimate.problems) words += text("will fail: ", join(arms), ": ", reason, "\n");
  return words;
}

std::string plan_text(const engine::Study& study, const engine::Plan& plan,
                      const std::optional<engine::Estimate>& estimate, int64_t jobs) {
  std::vector<std::vector<std::string>> cells{{"run", "prepare", "train", "infer", "evaluate", "to do"}};
  for (const auto& planned : plan.cells) {
    const auto& hashes = planned.cell.hashes;
    cells.push_back({planned.cell.run.filename().string(), hashes.prepare.substr(0, 8), hashes.train.substr(0, 8),
                     hashes.infer.substr(0, 8), hashes.evaluate.substr(0, 8), what_is_left(planned)});
  }
  const engine::PlanCounts counts = engine::count_work(plan);
  std::string notes;
  for (const auto& one : plan.dropped) notes += text("left out: ", one.name, ": ", one.reason, "\n");
  for (const auto& warning : plan.warnings) notes += "note: " + warning + "\n";
  return text(study.name, ": ", plan.arms.size(), " arms, ", study.seeds.size(), " seeds, ",
              study.folds.empty() ? "" : text(study.folds.size(), " folds, "), plan.cells.size(), " runs in ",
              plan.folder.string(), "\n\n", arms_text(study, plan, estimate), "\n", table(cells), "\n",
              counts.trainings, " trainings and ", counts.inferences, " inferences to do; ", counts.shared,
              " runs take another run's training\n", estimate ? estimate_text(*estimate, jobs) : "", notes);
}

int finish(const po::variables_map& arguments, const engine::StudyResult& result) {
  ConfigNode node = ConfigNode::object(), failures = ConfigNode::array();
  for (const auto& failure : result.failures) {
    log_error("failed: " + failure);
    ConfigNode entry = ConfigNode::object();
    entry.set("text", failure);
    failures.push_back(std::move(entry));
  }
  const std::string report = std::filesystem::absolute(result.report).string();
  node.set("report", report);
  node.set("runs", static_cast<int64_t>(result.cells.size()));
  node.set("failures", std::move(failures));
  print(arguments, node, "report: " + report + "\n");
  return result.failures.empty() ? 0 : 1;
}

int64_t jobs_of(const po::variables_map& arguments) {
  constexpr int64_t kMost = 256;
  const auto jobs = arguments["jobs"].as<int64_t>();
  if (jobs >= 1 && jobs <= kMost) return jobs;
  throw ConfigError(text("--jobs is ", jobs, "; from 1 to ", kMost, " runs can go on at a time"));
}

void set_estimate(ConfigNode& to_do, const engine::Estimate& estimate) {
  ConfigNode arms = ConfigNode::object();
  for (const auto& [name, arm] : estimate.arms) {
    ConfigNode one = arm.cost.to_node();
    one.set("measured", arm.measured);
    arms.set(name, std::move(one));
  }
  to_do.set("seconds", estimate.seconds);
  to_do.set("peak_memory_bytes", estimate.peak_memory_bytes);
  to_do.set("arms", std::move(arms));
  ConfigNode problems = ConfigNode::object();
  for (const auto& [reason, failing] : estimate.problems) problems.set(reason, list_node(failing));
  to_do.set("problems", std::move(problems));
}

int dry_run(const po::variables_map& arguments, const engine::Study& study, const engine::StudyRun& how,
            const Registry& registry) {
  const auto plan = engine::make_plan(study, how, registry);
  std::optional<engine::Estimate> estimate;
  if (!arguments.contains("no-probe")) estimate = engine::estimate(plan, how, registry);
  const engine::PlanCounts counts = engine::count_work(plan);
  ConfigNode node = engine::plan_to_node(study, plan), to_do = ConfigNode::object();
  to_do.set("trainings", counts.trainings);
  to_do.set("inferences", counts.inferences);
  to_do.set("shared", counts.shared);
  if (estimate) set_estimate(to_do, *estimate);
  node.set("to_do", std::move(to_do));
  print(arguments, node, plan_text(study, plan, estimate, how.jobs));
  return estimate && !estimate->problems.empty() ? 1 : 0;
}

int ablate(const po::variables_map& arguments) {
  engine::install_interrupt_handlers();
  const auto registry = open_registry();
  const auto study = engine::Study::load(word_of(arguments, "study"), overrides_of(arguments), *registry);
  engine::StudyRun how{runs_folder(arguments), words_of(arguments, "only"), child_runner(), jobs_of(arguments)};
  if (arguments.contains("in-process")) how.runner = nullptr;
  if (!arguments.contains("dry-run")) return finish(arguments, engine::run_study(study, how, *registry));
  return dry_run(arguments, study, how, *registry);
}

/// The caller reads the result, or the reason why there is none, from the folder.
int probe(const engine::Experiment& experiment, const engine::RunFolder& folder, const Registry& registry) {
  try {
    const auto cost = engine::probe(experiment, folder.path(), registry);
    write_file(engine::probe_file(folder.path()), cost.to_node().dump() + "\n");
    return 0;
  } catch (const std::exception& error) {
    engine::RunStatus status;
    status.state = "failed";
    status.error = error.what();
    folder.set_status(status);
    return 1;
  }
}

int run_cell(const po::variables_map& arguments) {
  engine::install_interrupt_handlers();
  const engine::RunFolder folder(word_of(arguments, "run"));
  const auto registry = open_registry();
  const auto resolved = ConfigNode::parse(read_file(folder.experiment()), folder.experiment().string());
  std::vector<engine::Override> overrides;
  if (arguments.contains("threads")) {
    const std::string threads = std::to_string(arguments["threads"].as<int64_t>());
    overrides.push_back({"runtime.threads", ConfigNode::parse(threads), false, "--threads"});
  }
  const auto experiment = engine::Experiment::from_node(resolved, word_of(arguments, "origin"), overrides, *registry);
  engine::use_runtime(experiment.options().runtime);
  if (arguments.contains("probe")) return probe(experiment, folder, *registry);
  engine::run_cell(experiment, folder, word_of(arguments, "cache"), *registry);
  return 0;
}

}  // namespace

Verb ablate_verb() {
  return {
      "ablate",
      "runs a study: every arm and seed that is not done yet, then the report",
      "lamina ablate STUDY [--only ARM ...] [--set PATH=VALUE ...] [--runs DIR] [--jobs N] [--dry-run [--no-probe]]",
      "lamina ablate phantom_unet --dry-run",
      [](po::options_description& options, po::positional_options_description& positional) {
        auto add = options.add_options();
        add("study", po::value<std::string>()->required(),
            "a study or experiment: a file, or a name from experiments/");
        add("only", po::value<std::vector<std::string>>()->value_name("ARM")->composing(),
            "run this arm only; may be given again");
        add("jobs", po::value<int64_t>()->value_name("N")->default_value(1),
            "runs at the same time; they divide the cores. Small networks finish sooner side by side");
        add("dry-run", "print what would be done and about how long it takes, and do nothing");
        add("no-probe", "with --dry-run: do not measure a few steps of every arm first");
        add("in-process", "run the cells in this process instead of one process each");
        declare_experiment_options(options);
        declare_runs(options);
        declare_json(options);
        positional.add("study", 1);
      },
      ablate};
}

Verb run_cell_verb() {
  return {"run-cell",
          "",  // not listed: `ablate` calls it
          "lamina run-cell RUN --origin DIR --cache DIR",
          "lamina ablate phantom_unet",
          [](po::options_description& options, po::positional_options_description& positional) {
            auto add = options.add_options();
            add("run", po::value<std::string>()->required(), "run folder with experiment.resolved.json");
            add("origin", po::value<std::string>()->required(), "where the experiment's relative paths start");
            add("cache", po::value<std::string>()->required(), "folder of prepared cases");
            add("probe", "measure a few steps instead, in this folder");
            add("threads", po::value<int64_t>(), "instead of the experiment's runtime.threads");
            positional.add("run", 1);
          },
          run_cell};
}

}  // namespace lamina::cli
