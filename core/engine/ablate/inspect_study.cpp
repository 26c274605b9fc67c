// Studies as the `config` verbs show them.
#include "engine/ablate/inspect_study.hpp"

#include "engine/experiment/inspect.hpp"

#include <lamina/base/text.hpp>

namespace lamina::engine {
namespace {

namespace fs = std::filesystem;

/// "STUDY:ARM"; a file may have a colon in its name.
bool names_arm(const std::string& what) {
  std::error_code ignored;
  return what.find(':') != std::string::npos && !fs::exists(what, ignored);
}

ConfigNode number_list(const std::vector<int64_t>& numbers) { return ConfigNode::parse(text("[", join(numbers), "]")); }

ConfigNode value_node(const std::string& json) { return json.empty() ? ConfigNode() : ConfigNode::parse(json); }

ConfigNode arm_node(const Arm& arm, const std::vector<Difference>& changes) {
  ConfigNode node = ConfigNode::object(), list = ConfigNode::object();
  node.set("name", arm.name);
  if (!arm.description.empty()) node.set("description", arm.description);
  if (!arm.experiment.empty()) node.set("experiment", arm.experiment);
  if (!arm.against.empty()) node.set("against", arm.against);
  if (!arm.folds.empty()) node.set("folds", number_list(arm.folds));
  for (const auto& change : changes) {
    ConfigNode both = ConfigNode::object();
    both.set("baseline", value_node(change.left));
    both.set("arm", value_node(change.right));
    list.set(change.path, std::move(both));
  }
  node.set("changes", std::move(list));
  return node;
}

std::vector<std::string> arm_names(const Study& study) {
  std::vector<std::string> names;
  for (const auto& arm : study.arms) names.push_back(arm.name);
  return names;
}

/// "arms[no_boxes].model.prompter" -> the arm and the rest.
struct ArmPath {
  std::string arm, rest;
};
std::optional<ArmPath> arm_path(const std::string& path, const Study& study) {
  static const std::string head = "arms[";
  if (path == "baseline" || path.starts_with("baseline."))
    return ArmPath{study.baseline, path == "baseline" ? "" : path.substr(path.find('.') + 1)};
  const auto end = path.find(']');
  if (!path.starts_with(head) || end == std::string::npos) return std::nullopt;
  const std::string rest = path.substr(end + 1);
  return ArmPath{path.substr(head.size(), end - head.size()), rest.starts_with(".") ? rest.substr(1) : rest};
}

std::string explain_arm(const Study& study, const ArmPath& where, const Registry& registry) {
  const Arm& arm = study.arm(where.arm);
  const Experiment experiment = study.experiment(arm, registry);
  if (!where.rest.empty()) return explain(experiment, where.rest, registry);
  std::string lines = text("arm '", arm.name, "'", arm.description.empty() ? "" : ": " + arm.description, "\n");
  const auto& origins = experiment.provenance();
  for (const auto& change :
       changed_settings(study.experiment(study.arms.front(), registry).resolved(), experiment.resolved())) {
    const auto origin = origins.find(change.path);
    lines += text("  ", change.path, " = ", change.right.empty() ? "(gone)" : change.right,
                  "  # baseline: ", change.left.empty() ? "(none)" : change.left,
                  origin == origins.end() ? "" : "; " + origin->second, "\n");
  }
  return lines;
}

}  // namespace

bool is_study(const std::string& what) {
  if (names_arm(what)) return false;
  std::map<std::string, std::string> provenance;
  return says_study(read_merged(find_experiment(what), provenance));
}

Experiment load_experiment_or_arm(const std::string& what, const std::vector<Override>& overrides,
                                  const Registry& registry) {
  if (names_arm(what)) {
    const auto colon = what.rfind(':');
    const Study study = Study::load(what.substr(0, colon), overrides, registry);
    return study.experiment(study.arm(what.substr(colon + 1)), registry);
  }
  if (!is_study(what)) return Experiment::load(what, overrides, registry);
  const Study study = Study::load(what, overrides, registry);
  throw ConfigError(text("'", what, "' is a study, and one experiment is wanted: name an arm, as in ", what, ":",
                         study.baseline, "; its arms are ", join(arm_names(study)), ". `lamina ablate ", what,
                         "` runs them all"));
}

ConfigNode resolved_study(const Study& study, const Registry& registry) {
  ConfigNode node = ConfigNode::object(), repeats = ConfigNode::object(), arms = ConfigNode::array();
  const Experiment baseline = study.experiment(study.arms.front(), registry);
  node.set("schema", int64_t{1});
  node.set("name", study.name);
  node.set("description", study.description);
  node.set("baseline_name", study.baseline);
  node.set("baseline", baseline.resolved());
  repeats.set("seeds", number_list(study.seeds));
  repeats.set("folds", number_list(study.folds));
  node.set("repeats", std::move(repeats));
  node.set("max_runs", study.max_runs ? ConfigNode::parse(std::to_string(*study.max_runs)) : ConfigNode());
  node.set("compare", dump_options(study.compare));
  for (size_t i = 1; i < study.arms.size(); ++i)
    arms.push_back(arm_node(
        study.arms[i], changed_settings(baseline.resolved(), study.experiment(study.arms[i], registry).resolved())));
  node.set("arms", std::move(arms));
  node.set("dropped", dropped_node(study.dropped));
  return node;
}

std::string explain_study(const std::string& what, const std::string& path, const std::vector<Override>& overrides,
                          const Registry& registry) {
  const Study study = Study::load(what, overrides, registry);
  if (const auto inside = arm_path(path, study)) return explain_arm(study, *inside, registry);
  std::map<std::string, std::string> origins;
  const ConfigNode root = read_merged(find_experiment(what), origins);
  StudyOptions options;
  options.name = study.name;
  OptionErrors errors;
  parse_options(options, root, "", errors);
  errors.throw_if_any("the study " + what + " is wrong");
  return explain({dump_options(options), origins, describe_options<StudyOptions>()}, path, registry);
}

ConfigNode study_schema(const Registry& registry) {
  return study_schema({describe_options<StudyOptions>(), arm_options(), axis_options()}, registry);
}

}  // namespace lamina::engine
