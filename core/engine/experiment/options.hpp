// The vocabulary of an experiment file. Every default lives here, in the components' own options structs, and nowhere
// else.
#pragma once

#include <lamina/options/binder.hpp>

#include <optional>
#include <string>
#include <vector>

namespace lamina::engine {

/// {"type": name}: a component with all its defaults.
ConfigNode component_entry(const std::string& name);

struct ModelSection {
  ConfigNode encoder, decoder;
  ConfigNode prompter = component_entry("none");
  std::vector<ConfigNode> adapters;
  void bind(OptionBinder& o);
};

struct WeightsEntry {
  std::string file, map = "none";
  bool strict = true;
  std::vector<std::string> skip;
  void bind(OptionBinder& o);
};

struct CheckpointSection {
  std::string rule = "best", metric = "dice", contents = "all";
  int64_t every = 1;  // epochs
  void bind(OptionBinder& o);
};

/// When a run of a study ends before its time.
struct StopSection {
  std::string rule = "none";
  double after = 0.3;
  bool active() const { return rule != "none"; }
  void bind(OptionBinder& o);
};

struct TrainSection {
  std::vector<std::string> trainable;
  std::vector<int64_t> patch;  // z, y, x
  int64_t batch = 2, epochs = 100, iterations = 50, accumulate = 1, validate_every = 1, validation_cases = 0;
  ConfigNode optimizer = component_entry("adamw"), schedule = component_entry("poly");
  std::optional<double> clip;
  std::optional<double> ema;
  std::string amp = "none";
  double foreground = 0.33;
  CheckpointSection checkpoint;
  StopSection stop;
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

struct EvaluateSection {
  std::vector<ConfigNode> metrics{component_entry("dice")};
  std::string empty = "nnunet";
  void bind(OptionBinder& o);
};

struct RuntimeSection {
  std::string device = "auto", encoder_cache = "auto";
  int64_t threads = 0, workers = 1;  // 0: all cores
  double encoder_cache_gib = 20;
  bool tensorboard = false;
  void bind(OptionBinder& o);
};

struct ExperimentOptions {
  int64_t schema = 1, seed = 1;
  std::string name;
  ConfigNode dataset, loss;
  ConfigNode infer = component_entry("sliding_window");
  std::vector<ConfigNode> prepare, augment, postprocess;
  ModelSection model;
  ConfigNode weights_list = ConfigNode::array();  // as the file has it; read_weights() turns it into `weights`
  std::vector<WeightsEntry> weights;
  TrainSection train;
  EvaluateSection evaluate;
  RuntimeSection runtime;
  void bind(OptionBinder& o);
  /// Reads `weights` from `weights_list` and fills the defaults of its entries in.
  void read_weights(OptionErrors& errors);
};

}  // namespace lamina::engine
