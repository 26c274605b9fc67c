// Reads study files.
#include "engine/ablate/study.hpp"

#include "engine/ablate/study_design.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>
#include <set>

namespace lamina::engine {
namespace {

/// The vocabulary of one entry of "arms".
struct ArmOptions {
  std::string name, description, experiment, against;
  ConfigNode set;
  void bind(OptionBinder& o) {
    o.field("name", name, "Name of the arm: letters, digits and any of . _ + - = ,", Required{});
    o.field("description", description, "What this arm asks, in one sentence");
    o.field("experiment", experiment, "Another experiment instead of the baseline");
    o.field("against", against, "The arm that this one is compared with; default: the baseline");
    o.field("set", set, "path: value pairs on top of it; \"~path\": null deletes");
  }
};

bool usable_as_folder_name(const std::string& name) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) || std::string_view("._+-=,").find(c) != std::string_view::npos;
  };
  return !name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), allowed);
}

void add_name_problem(const std::string& name, const std::string& where, OptionErrors& errors) {
  if (!usable_as_folder_name(name)) {
    errors.add(where, text("'", name, "' names a folder: expected letters, digits and any of . _ + - = ,"));
  }
}

Arm read_arm(const ConfigNode& entry, const std::string& where, const std::filesystem::path& folder,
             OptionErrors& errors) {
  ArmOptions options;
  parse_options(options, entry, where, errors);
  Arm arm;
  arm.name = options.name, arm.description = options.description, arm.experiment = options.experiment;
  arm.against = options.against;
  arm.overrides = overrides_of(options.set, where + ".set", "arm '" + options.name + "'", errors);
  const auto beside = folder / arm.experiment;
  if (!arm.experiment.empty() && std::filesystem::exists(beside)) arm.experiment = beside.string();
  return arm;
}

/// The arms that the file lists; the study's own "set" comes before what an arm sets.
std::vector<Arm> listed_arms(const StudyOptions& options, const std::vector<Override>& shared,
                             const std::filesystem::path& folder, OptionErrors& errors) {
  std::vector<Arm> arms;
  for (size_t i = 0; options.arms.is_array() && i < options.arms.size(); ++i) {
    Arm arm = read_arm(options.arms.at(i), text("arms[", i, "]"), folder, errors);
    if (arm.experiment.empty()) arm.overrides.insert(arm.overrides.begin(), shared.begin(), shared.end());
    arms.push_back(std::move(arm));
  }
  return arms;
}

void check_arm_names(const std::vector<Arm>& arms, OptionErrors& errors) {
  std::set<std::string> seen;
  for (const auto& arm : arms) {
    add_name_problem(arm.name, "name of an arm", errors);
    if (!seen.insert(arm.name).second) errors.add("arms", "two arms are called '" + arm.name + "'");
  }
}

/// What `against` of a listed arm names must be there, and another arm.
void check_opponents(const std::vector<Arm>& arms, OptionErrors& errors) {
  std::vector<std::string> names;
  for (const auto& arm : arms) names.push_back(arm.name);
  for (const auto& arm : arms) {
    const std::string where = text("arm '", arm.name, "'.against");
    if (arm.against.empty() || arm.designed) continue;
    if (arm.against == arm.name) errors.add(where, "an arm cannot be compared with itself");
    if (std::find(names.begin(), names.end(), arm.against) == names.end())
      errors.add(where, text("there is no arm '", arm.against, "'", did_you_mean(arm.against, names)));
  }
}

/// Everything wrong with any arm, at once. Arms often share a mistake of the baseline: it is said once.
void check_arms(const Study& study, const Registry& registry, const std::filesystem::path& file) {
  std::vector<std::string> problems;
  std::set<std::string> said;
  for (const auto& arm : study.arms) {
    try {
      study.experiment(arm, study.seeds.front(), registry, study.repeats().front());
    } catch (const ConfigError& error) {
      if (said.insert(error.what()).second) problems.push_back("arm '" + arm.name + "': " + error.what());
    }
  }
  if (!problems.empty()) throw ConfigError(text("the study ", file.string(), " cannot run:\n", join(problems, "\n")));
}

/// The same for all; what the command line sets comes after it.
std::vector<Override> budget_overrides(const BudgetSection& budget) {
  std::vector<Override> overrides;
  if (budget.epochs) {
    ConfigNode epochs = ConfigNode::parse(std::to_string(*budget.epochs));
    overrides.push_back({"train.epochs", std::move(epochs), false, "budget.epochs of the study"});
  }
  if (budget.stop.active())
    overrides.push_back({"train.stop", dump_options(budget.stop), false, "budget.stop of the study"});
  return overrides;
}

Study read_study(const ConfigNode& root, const std::filesystem::path& file, const std::vector<Override>& overrides,
                 const Registry& registry) {
  OptionErrors errors;
  StudyOptions options;
  options.name = file.stem().string();
  parse_options(options, root, "", errors);
  Study study;
  study.name = options.name;
  study.description = options.description;
  study.folder = file.parent_path();
  study.seeds = options.repeats.seeds.empty() ? options.seeds : options.repeats.seeds;
  study.folds = options.repeats.folds;
  study.max_runs = options.budget.max_runs;
  study.compare = options.compare;
  study.everywhere = budget_overrides(options.budget);
  study.everywhere.insert(study.everywhere.end(), overrides.begin(), overrides.end());
  if (options.baseline.is_object()) study.baseline_node = options.baseline;
  if (options.baseline.is_string()) {
    const auto beside = study.folder / options.baseline.as_text();
    study.baseline_file = std::filesystem::exists(beside) ? beside.string() : options.baseline.as_text();
  }
  const auto shared = overrides_of(options.set, "set", "set of the study", errors);
  const auto listed = listed_arms(options, shared, study.folder, errors);
  errors.throw_if_any("the study " + file.string() + " is wrong");
  add_designed_arms(study, options, shared, registry);
  study.baseline = study.arms.front().name;
  study.arms.insert(study.arms.end(), listed.begin(), listed.end());
  check_arm_names(study.arms, errors);
  check_opponents(study.arms, errors);
  errors.throw_if_any("the study " + file.string() + " is wrong");
  return study;
}

Study study_of_one(const std::string& what, const std::vector<Override>& overrides, const Registry& registry) {
  const Experiment experiment = Experiment::load(what, overrides, registry);
  OptionErrors errors;
  add_name_problem(experiment.name(), "name", errors);
  errors.throw_if_any("the experiment " + what + " is wrong");
  Study study;
  study.name = study.baseline = experiment.name();
  study.folder = experiment.folder();
  study.arms.emplace_back();
  study.arms.front().name = study.baseline;
  study.seeds = {experiment.options().seed};
  study.everywhere = overrides;
  study.baseline_file = what;
  return study;
}

}  // namespace

void CompareSection::bind(OptionBinder& o) {
  o.field("primary", primary, "Metric that decides which arm is best");
  o.field("secondary", secondary, "Metrics whose differences the report shows beside it; described, not judged");
  o.field("unit", unit, "What is independent: single cases, or groups (all scans of a patient count as one)",
          OneOf{"group", "case"});
  o.field("ci", ci, "Interval: t over cases and seeds; percentile or BCa bootstrap over seeds, then units",
          OneOf{"t", "bootstrap", "bca"});
  o.field("draws", draws, "Draws of bootstrap, sign flips and ranking", AtLeast{100});
  o.field("B", b, "Another name for draws", AtLeast{100});
  o.field("alpha", alpha, "1 - confidence of the intervals, and level of the verdicts", Range{0.0001, 0.5});
  o.field("test", test, "Test whose p is shown: of the mean, of signed ranks (zeros dropped, or ranked), of sign flips",
          OneOf{"t", "wilcoxon", "pratt", "sign_flip"});
  o.field("correction", correction, "For several arms against one baseline", OneOf{"holm", "none"});
  o.field("rope", rope, "Differences up to this size do not matter, in the primary metric's unit; 0: none are so small",
          AtLeast{0});
}

CompareRules CompareSection::rules() const { return {unit, ci, test, correction, b.value_or(draws), alpha, rope}; }

void RepeatsSection::bind(OptionBinder& o) {
  o.field("seeds", seeds, "Seeds; another place for the study's `seeds`");
  o.field("folds", folds, "Folds of the dataset's split; every arm is run once per seed and fold");
}

void BudgetSection::bind(OptionBinder& o) {
  o.field("max_runs", max_runs, "A plan of more runs is refused", AtLeast{1});
  o.field("epochs", epochs, "train.epochs of every arm", AtLeast{1});
  o.group("stop", stop, "train.stop of every arm: when a run that is behind ends early");
}

void StudyOptions::bind(OptionBinder& o) {
  o.field("schema", schema, "Version of this vocabulary", Range{1, 1}, Required{});
  o.field("name", name, "Name of the study and of its folder; default: the file's name");
  o.field("description", description, "The question, in one or two sentences");
  o.field("baseline", baseline, "An experiment: a file, or written out here");
  o.field("baseline_name", baseline_name, "What the baseline's arm is called");
  o.field("set", set, "path: value pairs for the baseline and every arm built on it");
  o.field("arms", arms, "What is compared with the baseline");
  o.field("axes", axes, "Instead of arms, or beside them: what varies, {NAME: {path, values | levels, default, when}}");
  o.group("design", design, "How the levels of the axes are combined");
  o.field("constraints", constraints, "Conditions that every arm of the design must meet");
  o.field("seeds", seeds, "Every arm is run once per seed");
  o.group("repeats", repeats, "What every arm is run with again");
  o.group("budget", budget, "What the study may spend");
  o.group("compare", compare, "How arms are compared");
}

void StudyOptions::check(OptionErrors& errors, const std::string&) const {
  add_name_problem(name, "name", errors);
  if (!baseline.is_object() && !baseline.is_string()) {
    errors.add("baseline",
               "expected the name of an experiment, or an experiment written out, got " + baseline.type_name());
  }
  if (!arms.is_null() && !arms.is_array()) errors.add("arms", "expected a list, got " + arms.type_name());
  if (seeds.empty()) errors.add("seeds", "expected at least one seed");
  const auto check_twice = [&](const std::vector<int64_t>& numbers, const std::string& where, const std::string& what) {
    if (std::set<int64_t>(numbers.begin(), numbers.end()).size() != numbers.size())
      errors.add(where, "a " + what + " is named twice");
  };
  check_twice(seeds, "seeds", "seed");
  check_twice(repeats.seeds, "repeats.seeds", "seed");
  check_twice(repeats.folds, "repeats.folds", "fold");
  const bool has_axes = axes.is_object() && axes.size() > 0;
  if (!has_axes && design.type != "one_factor" && design.type != "list")
    errors.add("design.type", text("'", design.type, "' combines axes, and there are none"));
  if (has_axes && design.type == "list")
    errors.add("design.type", "'list' runs the arms listed; axes would do nothing");
}

bool says_study(const ConfigNode& root) {
  return root.contains("baseline") || root.contains("arms") || root.contains("axes");
}

std::vector<OptionDoc> arm_options() { return describe_options<ArmOptions>(); }

Study Study::load(const std::string& what, const std::vector<Override>& overrides, const Registry& registry) {
  const auto file = find_experiment(what);
  std::map<std::string, std::string> provenance;
  const ConfigNode root = read_merged(file, provenance);
  if (!says_study(root)) return study_of_one(what, overrides, registry);
  Study study = read_study(root, std::filesystem::absolute(file), overrides, registry);
  check_arms(study, registry, file);
  return study;
}

const Arm& Study::arm(const std::string& wanted) const {
  std::vector<std::string> names;
  for (const auto& arm : arms) {
    if (arm.name == wanted) return arm;
    names.push_back(arm.name);
  }
  throw ConfigError(text("the study '", name, "' has no arm '", wanted, "'", did_you_mean(wanted, names),
                         "; there are: ", join(names)));
}

std::vector<std::optional<int64_t>> Study::repeats() const {
  if (folds.empty()) return {std::nullopt};
  return {folds.begin(), folds.end()};
}

Experiment Study::experiment(const Arm& arm, const Registry& registry) const {
  const auto fold = arm.folds.empty() ? repeats().front() : std::optional<int64_t>(arm.folds.front());
  return experiment(arm, seeds.front(), registry, fold);
}

Experiment Study::experiment(const Arm& arm, int64_t seed, const Registry& registry,
                             std::optional<int64_t> fold) const {
  std::vector<Override> overrides = arm.overrides;
  overrides.insert(overrides.end(), everywhere.begin(), everywhere.end());
  ConfigNode value = ConfigNode::parse(std::to_string(seed));
  overrides.push_back({"seed", std::move(value), false, text("seed ", seed, " of the study")});
  if (fold) {
    const std::string origin = text("fold ", *fold, " of the study");
    overrides.push_back({"dataset.split.fold", ConfigNode::parse(std::to_string(*fold)), false, origin});
  }
  if (!arm.experiment.empty()) return Experiment::load(arm.experiment, overrides, registry);
  if (!baseline_node.is_null()) return Experiment::from_node(baseline_node, folder, overrides, registry);
  return Experiment::load(baseline_file, overrides, registry);
}

}  // namespace lamina::engine
