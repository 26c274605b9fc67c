// Reads study files.
#include "engine/ablate/study.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>
#include <set>

namespace lamina::engine {
namespace {

/// The vocabulary of one entry of "arms".
struct ArmOptions {
  std::string name, description, experiment;
  ConfigNode set;
  void bind(OptionBinder& o) {
    o.field("name", name, "Name of the arm: letters, digits, . _ + -", Required{});
    o.field("description", description, "What this arm asks, in one sentence");
    o.field("experiment", experiment, "Another experiment instead of the baseline");
    o.field("set", set, "path: value pairs on top of it; \"~path\": null deletes");
  }
};

bool usable_as_folder_name(const std::string& name) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) || std::string_view("._+-").find(c) != std::string_view::npos;
  };
  return !name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), allowed);
}

void add_name_problem(const std::string& name, const std::string& where, OptionErrors& errors) {
  if (!usable_as_folder_name(name)) {
    errors.add(where, text("'", name, "' names a folder: expected letters, digits, '.', '_', '+' and '-'"));
  }
}

std::vector<Override> overrides_of(const ConfigNode& set, const std::string& where, const std::string& origin,
                                   OptionErrors& errors) {
  std::vector<Override> overrides;
  if (set.is_null()) return overrides;
  if (!set.is_object()) {
    errors.add(where, "expected an object of path: value pairs, got " + set.type_name());
    return overrides;
  }
  for (const auto& key : set.keys()) {
    const bool erase = key.starts_with("~");
    if (erase && !set.at(key).is_null()) errors.add(where + "." + key, "'~path' deletes and takes null");
    overrides.push_back({erase ? key.substr(1) : key, set.at(key), erase, origin});
  }
  return overrides;
}

Arm read_arm(const ConfigNode& entry, const std::string& where, const std::filesystem::path& folder,
             OptionErrors& errors) {
  ArmOptions options;
  parse_options(options, entry, where, errors);
  Arm arm{options.name, options.description, {}, options.experiment};
  arm.overrides = overrides_of(options.set, where + ".set", "arm '" + options.name + "'", errors);
  const auto beside = folder / arm.experiment;
  if (!arm.experiment.empty() && std::filesystem::exists(beside)) arm.experiment = beside.string();
  return arm;
}

/// The baseline's own "set" comes before what an arm sets.
std::vector<Arm> read_arms(const StudyOptions& options, const std::filesystem::path& folder, OptionErrors& errors) {
  const auto shared = overrides_of(options.set, "set", "set of the study", errors);
  std::vector<Arm> arms{{options.baseline_name, "", shared, ""}};
  for (size_t i = 0; options.arms.is_array() && i < options.arms.size(); ++i) {
    Arm arm = read_arm(options.arms.at(i), text("arms[", i, "]"), folder, errors);
    if (arm.experiment.empty()) arm.overrides.insert(arm.overrides.begin(), shared.begin(), shared.end());
    arms.push_back(std::move(arm));
  }
  std::set<std::string> seen;
  for (const auto& arm : arms) {
    add_name_problem(arm.name, "name of an arm", errors);
    if (!seen.insert(arm.name).second) errors.add("arms", "two arms are called '" + arm.name + "'");
  }
  return arms;
}

/// Everything wrong with any arm, at once. Arms often share a mistake of the baseline: it is said once.
void check_arms(const Study& study, const Registry& registry, const std::filesystem::path& file) {
  std::vector<std::string> problems;
  std::set<std::string> said;
  for (const auto& arm : study.arms) {
    try {
      study.experiment(arm, study.seeds.front(), registry);
    } catch (const ConfigError& error) {
      if (said.insert(error.what()).second) problems.push_back("arm '" + arm.name + "': " + error.what());
    }
  }
  if (!problems.empty()) throw ConfigError(text("the study ", file.string(), " cannot run:\n", join(problems, "\n")));
}

Study read_study(const ConfigNode& root, const std::filesystem::path& file, const std::vector<Override>& overrides) {
  OptionErrors errors;
  StudyOptions options;
  options.name = file.stem().string();
  parse_options(options, root, "", errors);
  Study study;
  study.name = options.name;
  study.description = options.description;
  study.folder = file.parent_path();
  study.baseline = options.baseline_name;
  study.seeds = options.seeds;
  study.compare = options.compare;
  study.everywhere = overrides;
  study.arms = read_arms(options, study.folder, errors);
  if (options.baseline.is_object()) study.baseline_node = options.baseline;
  if (options.baseline.is_string()) {
    const auto beside = study.folder / options.baseline.as_text();
    study.baseline_file = std::filesystem::exists(beside) ? beside.string() : options.baseline.as_text();
  }
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
  study.arms = {{study.baseline, "", {}, ""}};
  study.seeds = {experiment.options().seed};
  study.everywhere = overrides;
  study.baseline_file = what;
  return study;
}

}  // namespace

void CompareSection::bind(OptionBinder& o) {
  o.field("primary", primary, "Metric that decides which arm is best");
  o.field("draws", draws, "Bootstrap draws over cases", AtLeast{100});
  o.field("alpha", alpha, "1 - confidence of the intervals", Range{0.0001, 0.5});
}

void StudyOptions::bind(OptionBinder& o) {
  o.field("schema", schema, "Version of this vocabulary", Range{1, 1}, Required{});
  o.field("name", name, "Name of the study and of its folder; default: the file's name");
  o.field("description", description, "The question, in one or two sentences");
  o.field("baseline", baseline, "An experiment: a file, or written out here");
  o.field("baseline_name", baseline_name, "What the baseline's arm is called");
  o.field("set", set, "path: value pairs for the baseline and every arm built on it");
  o.field("arms", arms, "What is compared with the baseline");
  o.field("seeds", seeds, "Every arm is run once per seed");
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
  if (std::set<int64_t>(seeds.begin(), seeds.end()).size() != seeds.size())
    errors.add("seeds", "a seed is named twice");
}

Study Study::load(const std::string& what, const std::vector<Override>& overrides, const Registry& registry) {
  const auto file = find_experiment(what);
  std::map<std::string, std::string> provenance;
  const ConfigNode root = read_merged(file, provenance);
  const bool is_study = root.contains("baseline") || root.contains("arms");
  if (!is_study) return study_of_one(what, overrides, registry);
  Study study = read_study(root, std::filesystem::absolute(file), overrides);
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

Experiment Study::experiment(const Arm& arm, int64_t seed, const Registry& registry) const {
  std::vector<Override> overrides = arm.overrides;
  overrides.insert(overrides.end(), everywhere.begin(), everywhere.end());
  ConfigNode value = ConfigNode::parse(std::to_string(seed));
  overrides.push_back({"seed", std::move(value), false, text("seed ", seed, " of the study")});
  if (!arm.experiment.empty()) return Experiment::load(arm.experiment, overrides, registry);
  if (!baseline_node.is_null()) return Experiment::from_node(baseline_node, folder, overrides, registry);
  return Experiment::load(baseline_file, overrides, registry);
}

}  // namespace lamina::engine
