// A registry of small made-up components, and files in a temporary folder: what tests of experiments need.
#pragma once

#include "engine/experiment/experiment.hpp"

#include "folder_test.hpp"

#include <fstream>

namespace lamina::engine::testing {

struct NoOptions {
  void bind(OptionBinder&) {}
};
struct NetOptions {
  int64_t width = 8;
  std::string norm = "instance";
  void bind(OptionBinder& o) {
    o.field("width", width, "Channels", AtLeast{1});
    o.field("norm", norm, "Normalisation", OneOf{"instance", "batch"});
  }
};
struct OtherNetOptions {
  double ratio = 0.5;
  void bind(OptionBinder& o) { o.field("ratio", ratio, "Share", Range{0, 1}); }
};
struct RateOptions {
  double lr = 0.001;
  void bind(OptionBinder& o) { o.field("lr", lr, "Learning rate", AtLeast{0}); }
};
struct OverlapOptions {
  double overlap = 0.5;
  void bind(OptionBinder& o) { o.field("overlap", overlap, "Share", Range{0, 0.95}); }
};
struct RootOptions {
  std::string root, split;
  void bind(OptionBinder& o) {
    o.field("root", root, "Folder");
    o.field("split", split, "File of splits");
  }
};
struct SumOptions {
  std::vector<ConfigNode> parts;
  void bind(OptionBinder& o) { o.components("parts", parts, "loss", "Losses that are added"); }
};

template <class Options>
ComponentEntry fake(const std::string& kind, const std::string& name, const std::string& version = "1") {
  static const std::vector<std::string> foreign(kEntryKeys.begin(), kEntryKeys.end());
  ComponentEntry entry;
  entry.info = {kind, name, version, "a " + name, "tests", ""};
  entry.check = [](const ConfigNode& node, const std::string& where, const ComponentChecker& checker,
                   OptionErrors& errors) {
    Options options;
    parse_options(options, node, where, errors, &checker, foreign);
  };
  entry.resolve = [](const ConfigNode& node, const ComponentChecker& checker) {
    Options options;
    OptionErrors errors;
    parse_options(options, node, "", errors, &checker, foreign);
    ConfigNode full = dump_options(options, &checker);
    for (const std::string& key : foreign) {
      if (node.contains(key)) full.set(key, node.at(key));
    }
    return full;
  };
  entry.describe = [] { return describe_options<Options>(); };
  return entry;
}

inline std::unique_ptr<Registry> fake_registry(const std::string& net_version = "1") {
  auto registry = std::make_unique<Registry>();
  registry->add({fake<NetOptions>("backbone", "net", net_version), fake<OtherNetOptions>("backbone", "other_net"),
                 fake<NoOptions>("decoder", "head"), fake<NoOptions>("prompter", "none"),
                 fake<NetOptions>("adapter", "depth_conv"), fake<OtherNetOptions>("adapter", "lora"),
                 fake<RootOptions>("dataset", "folder"), fake<NoOptions>("transform", "zscore"),
                 fake<OtherNetOptions>("transform", "crop"), fake<NoOptions>("loss", "dice_ce"),
                 fake<SumOptions>("loss", "sum"), fake<RateOptions>("optimizer", "adamw"),
                 fake<RateOptions>("optimizer", "sgd"), fake<NoOptions>("schedule", "poly"),
                 fake<OverlapOptions>("inferer", "sliding_window"), fake<NoOptions>("postprocess", "largest_component"),
                 fake<NoOptions>("metric", "dice"), fake<NoOptions>("metric", "iou")});
  return registry;
}

/// A temporary folder with experiment files, and the registry above.
class ExperimentFiles : public lamina::testing::FolderTest {
 protected:
  ExperimentFiles() { write("small.json", kSmall); }

  std::filesystem::path write(const std::string& name, const std::string& content) const {
    std::ofstream(folder / name) << content;
    return folder / name;
  }

  Experiment load(const std::string& name, const std::vector<std::string>& words = {}) const {
    std::vector<Override> overrides;
    for (const std::string& one : words) overrides.push_back(parse_override(one));
    return Experiment::load((folder / name).string(), overrides, *registry);
  }

  /// The message of the ConfigError that `call` throws; "" when it throws none.
  template <class Call>
  static std::string refusal(const Call& call) {
    try {
      call();
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  }

  static constexpr const char* kSmall = R"({
    "schema": 1,  // comments are allowed
    "dataset": {"type": "folder", "root": "somewhere"},
    "prepare": [{"id": "norm", "type": "zscore"}],
    "model": {"encoder": {"type": "net", "width": 4},
              "adapters": [{"id": "depth", "type": "depth_conv", "width": 2, "at": ["encoder.**"]}, {"type": "lora"}],
              "decoder": {"type": "head"}},
    "train": {"trainable": ["encoder.**"], "patch": [1, 32, 32], "epochs": 3},
    "loss": "dice_ce"})";

  std::unique_ptr<Registry> registry = fake_registry();
};

}  // namespace lamina::engine::testing
