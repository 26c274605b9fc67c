// What the heavy verbs share: options, registry, overrides, output.
#pragma once

#include "verb.hpp"

#include "engine/experiment/experiment.hpp"
#include "engine/run/run_folder.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace lamina::cli {

/// --set, --device, --threads.
void declare_experiment_options(po::options_description& options);
/// The positional `experiment`, the options above and --json: what verbs about one experiment take.
void declare_experiment(po::options_description& options, po::positional_options_description& positional);
void declare_json(po::options_description& options);
void declare_runs(po::options_description& options);

bool wants_json(const po::variables_map& arguments);
std::string word_of(const po::variables_map& arguments, const std::string& option);  ///< "" when not given
std::vector<std::string> words_of(const po::variables_map& arguments, const std::string& option);
std::filesystem::path runs_folder(const po::variables_map& arguments);

/// Every plugin that can be found, promised; none is opened yet.
std::unique_ptr<Registry> open_registry();
/// --set in order, then --device and --threads.
std::vector<engine::Override> overrides_of(const po::variables_map& arguments);
/// The positional `experiment`, or an arm of a study (STUDY:ARM), with its overrides.
engine::Experiment load_experiment(const po::variables_map& arguments, const Registry& registry);
/// Where `train` puts an experiment: runs/<name>/<name>-s<seed>-<hash8>, as `ablate` would.
engine::RunFolder folder_of(const engine::Experiment& experiment, const std::filesystem::path& runs,
                            const Registry& registry);

/// The first row is the head; columns are as wide as they need to be.
std::string table(const std::vector<std::vector<std::string>>& rows);
/// A JSON list of texts.
ConfigNode list_node(const std::vector<std::string>& words);
/// A result on stdout: JSON.
void print(const ConfigNode& node);
/// A result on stdout: `node` where JSON is asked for, else `words`.
void print(const po::variables_map& arguments, const ConfigNode& node, const std::string& words);

}  // namespace lamina::cli
