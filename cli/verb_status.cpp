// lamina status: what every run of a folder of runs is doing, from the index of runs.
#include "common.hpp"
#include "heavy.hpp"

#include "engine/index/run_states.hpp"
#include "engine/run/liveness.hpp"

#include <lamina/base/text.hpp>

namespace lamina::cli {
namespace {

const std::vector<std::string> kStates{"done", "running", "queued", "stopped", "failed", "died", "damaged"};

std::string study_name(const po::variables_map& arguments) {
  const std::filesystem::path given = word_of(arguments, "study");
  return given.has_filename() ? given.filename().string() : given.parent_path().filename().string();
}

ConfigNode state_node(const engine::RunState& run) {
  ConfigNode node = ConfigNode::object();
  node.set("run", run.run);
  node.set("arm", run.arm);
  node.set("seed", run.seed);
  if (run.fold) node.set("fold", *run.fold);
  node.set("state", run.state);
  node.set("stage", run.stage);
  node.set("reason", run.reason);
  node.set("epoch", run.epoch);
  node.set("epochs", run.epochs);
  if (run.seconds_left) node.set("seconds_left", *run.seconds_left);
  node.set("host", run.host);
  node.set("pid", run.pid);
  if (run.state == "running" || run.state == "died") node.set("heartbeat_age", run.heartbeat_age);
  return node;
}

ConfigNode study_node(const engine::StudyState& study) {
  ConfigNode node = ConfigNode::object(), counts = ConfigNode::object(), runs = ConfigNode::array();
  for (const auto& state : kStates) counts.set(state, study.count(state));
  for (const auto& run : study.runs) runs.push_back(state_node(run));
  node.set("study", study.name);
  node.set("problem", study.problem);
  node.set("counts", std::move(counts));
  node.set("runs", std::move(runs));
  return node;
}

std::string counts_words(const engine::StudyState& study) {
  std::vector<std::string> words;
  for (const auto& state : kStates) {
    if (study.count(state) > 0) words.push_back(text(study.count(state), " ", state));
  }
  return text(study.name, ": ", words.empty() ? "no runs" : join(words), "\n",
              study.problem.empty() ? "" : "  " + study.problem + "\n");
}

std::string first_line(const std::string& words) { return words.substr(0, words.find('\n')); }

/// Where the work stands, and who does it.
std::string details_of(const engine::RunState& run) {
  if (!run.reason.empty()) return first_line(run.reason);
  std::vector<std::string> facts;
  if (run.state == "running") {
    if (run.seconds_left) facts.push_back(human_seconds(*run.seconds_left) + " of training left");
    facts.push_back(text("process ", run.pid, " on ", run.host));
  }
  if (run.state == "died") facts.push_back(text("process ", run.pid, " on ", run.host, " works no more"));
  if (run.state == "running" || run.state == "died")
    facts.push_back("heartbeat " + human_seconds(run.heartbeat_age) + " ago");
  return join(facts);
}

/// Finished runs are counted alone, unless one study is asked for.
std::string study_words(const engine::StudyState& study, const std::string& asked) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& run : study.runs) {
    if (asked.empty() && (run.state == "done" || run.state == "queued")) continue;
    const std::string epochs = run.epochs > 0 ? text("epoch ", run.epoch, "/", run.epochs) : "";
    rows.push_back({"  " + run.run, run.state, run.stage, epochs, details_of(run)});
  }
  return counts_words(study) + table(rows);
}

int status(const po::variables_map& arguments) {
  const auto registry = open_registry();
  engine::RunIndex index(runs_folder(arguments), *registry);
  const std::string asked = study_name(arguments);
  ConfigNode list = ConfigNode::array();
  std::string words;
  for (const auto& study : engine::run_states(index, asked, engine::seconds_since_1970())) {
    list.push_back(study_node(study));
    words += study_words(study, asked);
  }
  print(arguments, list, words.empty() ? "there are no runs in " + index.runs().string() + "\n" : words);
  return 0;
}

}  // namespace

Verb status_verb() {
  return {"status",
          "says what is running, done, failed, stopped, queued, died or damaged",
          "lamina status [STUDY] [--runs DIR]",
          "lamina status phantom_components",
          [](po::options_description& options, po::positional_options_description& positional) {
            options.add_options()("study", po::value<std::string>(),
                                  "one study with all its runs; without it, all studies, and runs that need a look");
            declare_runs(options);
            declare_json(options);
            positional.add("study", 1);
          },
          status};
}

}  // namespace lamina::cli
