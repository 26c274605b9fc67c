// An experiment: read, merged, overridden, checked, resolved, hashed by stage.
#pragma once

#include "engine/experiment/options.hpp"

#include <lamina/plugin/registry.hpp>

#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lamina::engine {

struct Traced;  // a configuration whose values know who set them

/// One `--set path=value` or `--set ~path`, or an ablation level's value.
struct Override {
  std::string path;
  ConfigNode value;
  bool erase = false;
  std::string origin;  // "--set train.epochs=3", "arm 'residual'"
};

/// Names of the stages whose results are cached by hash.
struct StageHashes {
  std::string prepare, train, infer, evaluate;
};

class Experiment {
 public:
  /// `what` is a path or a bare name from the experiments folders ($LAMINA_EXPERIMENTS, beside the program, share/).
  /// Merges `base`, applies overrides, checks everything against the registry: one ConfigError with every problem.
  static Experiment load(const std::string& what, const std::vector<Override>& overrides, const Registry& registry);
  /// From a node already merged: an inline baseline, or experiment.resolved.json. `folder` is where relative paths
  /// start.
  static Experiment from_node(const ConfigNode& merged, const std::filesystem::path& folder,
                              const std::vector<Override>& overrides, const Registry& registry);

  const ExperimentOptions& options() const { return options_; }
  const std::string& name() const { return options_.name; }
  uint64_t seed() const { return static_cast<uint64_t>(options_.seed); }
  /// Every default filled in, keys sorted: what experiment.resolved.json holds.
  const ConfigNode& resolved() const { return resolved_; }
  const std::filesystem::path& folder() const { return folder_; }
  /// dotted path -> "file" or override that set it; what is not listed is a default.
  const std::map<std::string, std::string>& provenance() const { return provenance_; }

  /// Hash of each stage over its sections, the one before it, seed, data and component versions; runtime is left out.
  StageHashes hashes(const Registry& registry, const std::string& data_fingerprint) const;
  std::array<int64_t, 3> patch() const;  ///< z, y, x

 private:
  static Experiment from_traced(Traced root, const std::filesystem::path& folder,
                                const std::vector<Override>& overrides, const Registry& registry,
                                const std::string& title);

  ExperimentOptions options_;
  ConfigNode resolved_;
  std::filesystem::path folder_;
  std::map<std::string, std::string> provenance_;
};

/// The section `train` without a rule that stops nothing, which is no part of an identity: runs from before there was
/// one stay what they are.
ConfigNode without_idle_stop(const ConfigNode& train);
/// Path of an experiment or study by path or bare name; ConfigError listing known names otherwise.
std::filesystem::path find_experiment(const std::string& what);
/// Reads a file and merges its `base` chain; records who set what.
ConfigNode read_merged(const std::filesystem::path& file, std::map<std::string, std::string>& provenance);
/// Parses "path=value" (JSON first, then text) or "~path".
Override parse_override(const std::string& text);
/// Replaces or deletes what stands at the path; list entries by id or index: model.adapters[depth].ratio.
void apply_override(ConfigNode& root, const Override& one);

}  // namespace lamina::engine
