// lamina config: what an experiment or a study says once everything is filled in, and who said it.
#include "common.hpp"
#include "heavy.hpp"

#include "engine/ablate/inspect_study.hpp"
#include "engine/experiment/inspect.hpp"

#include <lamina/base/text.hpp>

#include <iostream>

namespace lamina::cli {
namespace {

/// The positional `experiment`, with the arm that --arm names.
std::string named(const po::variables_map& arguments) {
  const std::string what = word_of(arguments, "experiment"), arm = word_of(arguments, "arm");
  return arm.empty() ? what : what + ":" + arm;
}

int resolve(const po::variables_map& arguments) {
  const auto registry = open_registry();
  const auto overrides = overrides_of(arguments);
  const std::string what = named(arguments);
  print(engine::is_study(what) ? engine::resolved_study(engine::Study::load(what, overrides, *registry), *registry)
                               : engine::load_experiment_or_arm(what, overrides, *registry).resolved());
  return 0;
}

int explain(const po::variables_map& arguments) {
  const auto registry = open_registry();
  const auto overrides = overrides_of(arguments);
  const std::string what = named(arguments), path = word_of(arguments, "path");
  std::cout << (engine::is_study(what)
                    ? engine::explain_study(what, path, overrides, *registry)
                    : engine::explain(engine::load_experiment_or_arm(what, overrides, *registry), path, *registry))
            << std::flush;
  return 0;
}

/// Arms of one study bear its baseline's name, so they are called as they were asked for.
std::string title_of(const std::string& word, const engine::Experiment& experiment) {
  return word.find(':') == std::string::npos ? experiment.name() : word;
}

int diff(const po::variables_map& arguments) {
  const auto registry = open_registry();
  const auto overrides = overrides_of(arguments);
  const std::string first = word_of(arguments, "left"), second = word_of(arguments, "right");
  const auto left = engine::load_experiment_or_arm(first, overrides, *registry);
  const auto right = engine::load_experiment_or_arm(second, overrides, *registry);
  std::vector<std::vector<std::string>> rows{{"path", title_of(first, left), title_of(second, right)}};
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

int schema(const po::variables_map& arguments) {
  const auto registry = open_registry();
  print(arguments.contains("study") ? engine::study_schema(*registry) : engine::config_schema(*registry));
  return 0;
}

void declare_arm(po::options_description& options) {
  options.add_options()("arm", po::value<std::string>()->value_name("NAME"),
                        "of a study: this arm's experiment, as STUDY:NAME");
}

}  // namespace

Verb config_resolve_verb() {
  return {"config resolve",
          "prints an experiment or a study with every default filled in",
          "lamina config resolve (EXPERIMENT | STUDY [--arm NAME]) [--set PATH=VALUE ...]",
          "lamina config resolve phantom_components --arm no_boxes",
          [](po::options_description& options, po::positional_options_description& positional) {
            declare_experiment(options, positional);
            declare_arm(options);
          },
          resolve};
}

Verb config_explain_verb() {
  return {"config explain",
          "says what a setting means and which file or word set it",
          "lamina config explain (EXPERIMENT | STUDY [--arm NAME]) [PATH]",
          "lamina config explain phantom train.epochs",
          [](po::options_description& options, po::positional_options_description& positional) {
            declare_experiment(options, positional);
            declare_arm(options);
            options.add_options()(
                "path", po::value<std::string>(),
                "a dotted path, in a study also arms[NAME].PATH; without it, everything that was set");
            positional.add("path", 1);
          },
          explain};
}

Verb config_diff_verb() {
  return {"config diff",
          "lists the settings in which two experiments or arms of studies differ",
          "lamina config diff LEFT RIGHT",
          "lamina config diff phantom_components:masksam phantom_components:no_boxes",
          [](po::options_description& options, po::positional_options_description& positional) {
            auto add = options.add_options();
            add("left", po::value<std::string>()->required(), "an experiment, or STUDY:ARM");
            add("right", po::value<std::string>()->required(), "another one");
            declare_experiment_options(options);
            declare_json(options);
            positional.add("left", 1).add("right", 1);
          },
          diff};
}

Verb config_schema_verb() {
  return {"config schema",
          "prints the JSON Schema of experiment or study files, for editors",
          "lamina config schema [--study]",
          "lamina config schema --study",
          [](po::options_description& options, po::positional_options_description&) {
            options.add_options()("study", "of study files");
            declare_json(options);
          },
          schema};
}

}  // namespace lamina::cli
