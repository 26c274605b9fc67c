// What the heavy verbs share.
#include "common.hpp"

#include "engine/ablate/inspect_study.hpp"
#include "engine/ablate/plan.hpp"

#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>
#include <lamina/plugin/loader.hpp>

#include <algorithm>
#include <iostream>

namespace lamina::cli {
namespace {

engine::Override runtime_override(const std::string& key, const std::string& value) {
  return engine::parse_override("runtime." + key + "=" + value);
}

/// A relative folder on the command line starts where the user stands, not beside the experiment's file.
void anchor_root(engine::Override& one) {
  if (one.path != "dataset.root" || one.erase || !one.value.is_string()) return;
  const std::filesystem::path given = one.value.as_text();
  if (given.is_absolute() || !std::filesystem::exists(given)) return;
  ConfigNode holder = ConfigNode::object();
  holder.set("root", std::filesystem::canonical(given).string());
  one.value = holder.at("root");
}

}  // namespace

void declare_experiment_options(po::options_description& options) {
  auto add = options.add_options();
  add("set", po::value<std::vector<std::string>>()->value_name("PATH=VALUE")->composing(),
      "change the experiment: train.epochs=3, model.adapters[depth].kernel=3, ~postprocess deletes; may be given "
      "again");
  add("device", po::value<std::string>()->value_name("DEVICE"), "auto, cpu or cuda");
  add("threads", po::value<int64_t>()->value_name("N"), "threads for arithmetic; 0: all cores");
}

void declare_experiment(po::options_description& options, po::positional_options_description& positional) {
  options.add_options()("experiment", po::value<std::string>()->required(),
                        "an experiment: a file, or a name from experiments/");
  declare_experiment_options(options);
  declare_json(options);
  positional.add("experiment", 1);
}

void declare_json(po::options_description& options) { options.add_options()("json", "print the result as JSON"); }

void declare_runs(po::options_description& options) {
  options.add_options()("runs", po::value<std::string>()->value_name("DIR")->default_value("runs"),
                        "where run folders lie");
}

bool wants_json(const po::variables_map& arguments) { return arguments.contains("json"); }

std::string word_of(const po::variables_map& arguments, const std::string& option) {
  return arguments.contains(option) ? arguments[option].as<std::string>() : "";
}

std::vector<std::string> words_of(const po::variables_map& arguments, const std::string& option) {
  return arguments.contains(option) ? arguments[option].as<std::vector<std::string>>() : std::vector<std::string>{};
}

std::filesystem::path runs_folder(const po::variables_map& arguments) { return word_of(arguments, "runs"); }

std::unique_ptr<Registry> open_registry() {
  auto registry = std::make_unique<Registry>();
  for (const auto& file : discover_plugins(*registry)) {
    if (!file.refusal.empty()) log_warning(file.refusal);
  }
  return registry;
}

std::vector<engine::Override> overrides_of(const po::variables_map& arguments) {
  std::vector<engine::Override> overrides;
  for (const auto& word : words_of(arguments, "set")) overrides.push_back(engine::parse_override(word));
  for (auto& one : overrides) anchor_root(one);
  if (arguments.contains("device")) overrides.push_back(runtime_override("device", word_of(arguments, "device")));
  if (arguments.contains("threads")) {
    overrides.push_back(runtime_override("threads", std::to_string(arguments["threads"].as<int64_t>())));
  }
  return overrides;
}

engine::Experiment load_experiment(const po::variables_map& arguments, const Registry& registry) {
  return engine::load_experiment_or_arm(word_of(arguments, "experiment"), overrides_of(arguments), registry);
}

engine::RunFolder folder_of(const engine::Experiment& experiment, const std::filesystem::path& runs,
                            const Registry& registry) {
  const auto hashes = experiment.hashes(registry, engine::open_dataset(experiment, registry)->fingerprint());
  const std::string& name = experiment.name();
  return engine::RunFolder(engine::run_path(runs / name, name, experiment.options().seed, hashes));
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string lines;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      const bool last = i + 1 == row.size();
      lines += row[i] + (last ? "\n" : std::string(widths[i] - row[i].size() + 2, ' '));
    }
  }
  return lines;
}

ConfigNode list_node(const std::vector<std::string>& words) {
  ConfigNode list = ConfigNode::array(), holder = ConfigNode::object();
  for (const auto& word : words) {
    holder.set("word", word);
    list.push_back(holder.at("word"));
  }
  return list;
}

void print(const ConfigNode& node) { std::cout << node.dump(2) << std::endl; }

void print(const po::variables_map& arguments, const ConfigNode& node, const std::string& words) {
  if (wants_json(arguments)) return print(node);
  std::cout << words << std::flush;
}

}  // namespace lamina::cli
