// lamina config: what an experiment says once everything is filled in, and who said it.
#include "common.hpp"
#include "heavy.hpp"

#include "engine/experiment/inspect.hpp"

#include <iostream>

namespace lamina::cli {
namespace {

int resolve(const po::variables_map& arguments) {
  const auto registry = open_registry();
  print(load_experiment(arguments, *registry).resolved());
  return 0;
}

int explain(const po::variables_map& arguments) {
  const auto registry = open_registry();
  std::cout << engine::explain(load_experiment(arguments, *registry), word_of(arguments, "path"), *registry)
            << std::flush;
  return 0;
}

int diff(const po::variables_map& arguments) {
  const auto registry = open_registry();
  const auto overrides = overrides_of(arguments);
  const auto left = engine::Experiment::load(word_of(arguments, "left"), overrides, *registry);
  const auto right = engine::Experiment::load(word_of(arguments, "right"), overrides, *registry);
  std::vector<std::vector<std::string>> rows{{"path", left.name(), right.name()}};
  ConfigNode list = ConfigNode::array();
  for (const auto& one : engine::diff(left, right)) {
    rows.push_back({one.path, one.left.empty() ? "-" : one.left, one.right.empty() ? "-" : one.right});
    ConfigNode entry = ConfigNode::object();
    entry.set("path", one.path);
    entry.set("left", one.left);
    entry.set("right", one.right);
    list.push_back(std::move(entry));
  }
  print(arguments, list, table(rows));
  return 0;
}

int schema(const po::variables_map&) {
  const auto registry = open_registry();
  print(engine::config_schema(*registry));
  return 0;
}

}  // namespace

Verb config_resolve_verb() {
  return {"config resolve",
          "prints an experiment with every default filled in",
          "lamina config resolve EXPERIMENT [--set PATH=VALUE ...]",
          "lamina config resolve phantom",
          declare_experiment,
          resolve};
}

Verb config_explain_verb() {
  return {"config explain",
          "says what a setting means and which file or word set it",
          "lamina config explain EXPERIMENT [PATH]",
          "lamina config explain phantom train.epochs",
          [](po::options_description& options, po::positional_options_description& positional) {
            declare_experiment(options, positional);
            options.add_options()("path", po::value<std::string>(),
                                  "a dotted path; without it, everything that was set");
            positional.add("path", 1);
          },
          explain};
}

Verb config_diff_verb() {
  return {"config diff",
          "lists the settings in which two experiments differ",
          "lamina config diff LEFT RIGHT",
          "lamina config diff phantom hippocampus",
          [](po::options_description& options, po::positional_options_description& positional) {
            auto add = options.add_options();
            add("left", po::value<std::string>()->required(), "an experiment");
            add("right", po::value<std::string>()->required(), "another one");
            declare_experiment_options(options);
            declare_json(options);
            positional.add("left", 1).add("right", 1);
          },
          diff};
}

Verb config_schema_verb() {
  return {"config schema",
          "prints the JSON Schema of experiment files, for editors",
          "lamina config schema",
          "lamina config schema",
          [](po::options_description& options, po::positional_options_description&) { declare_json(options); },
          schema};
}

}  // namespace lamina::cli
