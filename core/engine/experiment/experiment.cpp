// Reading, checking and resolving of experiments.
#include "engine/experiment/experiment.hpp"

#include "engine/experiment/check.hpp"
#include "engine/experiment/merge.hpp"
#include "engine/experiment/override.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

namespace lamina::engine {

namespace fs = std::filesystem;

namespace {

void refuse_study(const Traced& root, const std::string& what) {
  if (!root.has("baseline")) return;
  throw ConfigError(
      text(what, " is a study (it has a 'baseline'), expected an experiment; `lamina ablate ", what, "` runs it"));
}

/// Override mistakes join the others, so that all are seen at once.
void apply_all(Traced& root, const std::vector<Override>& overrides, OptionErrors& errors) {
  for (const Override& one : overrides) {
    try {
      apply_traced(root, one);
    } catch (const ConfigError& problem) {
      const std::string words = problem.what();
      const std::string origin = (one.origin.empty() ? one.path : one.origin) + ": ";
      const bool headed = words.rfind(origin, 0) == 0;
      errors.add(origin.substr(0, origin.size() - 2), headed ? words.substr(origin.size()) : words);
    }
  }
}

ExperimentOptions read_options(const Traced& root, const Registry& registry, OptionErrors& errors) {
  ExperimentOptions options;
  check_sections(root, errors);
  parse_options(options, root.node(), "", errors, &registry);
  options.train.check(errors, "train");
  if (options.name.find('/') != std::string::npos) errors.add("name", "names a folder of runs; expected no '/' in it");
  options.read_weights(errors);
  return options;
}

}  // namespace

Experiment Experiment::load(const std::string& what, const std::vector<Override>& overrides, const Registry& registry) {
  const fs::path file = find_experiment(what);
  Traced root = read_traced(file);
  refuse_study(root, what);
  if (!root.has("name"))
    root.members["name"] = Traced::from(component_entry(file.stem().string()).at("type"), "the file's name");
  return from_traced(std::move(root), file.parent_path(), overrides, registry, file.string());
}

Experiment Experiment::from_node(const ConfigNode& merged, const fs::path& folder,
                                 const std::vector<Override>& overrides, const Registry& registry) {
  if (!merged.is_object()) throw ConfigError(text("an experiment is an object {...}, got ", merged.type_name()));
  Traced root = merge_bases(Traced::from(merged, "the experiment"), folder);
  refuse_study(root, "this");
  return from_traced(std::move(root), folder, overrides, registry, "the experiment");
}

Experiment Experiment::from_traced(Traced root, const fs::path& folder, const std::vector<Override>& overrides,
                                   const Registry& registry, const std::string& title) {
  OptionErrors errors;
  apply_all(root, overrides, errors);
  fill_default_types(root);
  Experiment made;
  made.options_ = read_options(root, registry, errors);
  errors.throw_if_any(title + " is wrong");
  made.resolved_ = dump_options(made.options_, &registry);
  made.folder_ = folder.empty() ? fs::path(".") : folder;
  made.provenance_ = provenance_of(root);
  return made;
}

std::array<int64_t, 3> Experiment::patch() const {
  return {options_.train.patch[0], options_.train.patch[1], options_.train.patch[2]};
}

}  // namespace lamina::engine
