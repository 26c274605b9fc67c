// The identity of each stage: what its cached results are named by.
#include "engine/experiment/components.hpp"
#include "engine/experiment/experiment.hpp"
#include "engine/experiment/sha256.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/text.hpp>

#include <set>

namespace lamina::engine {

namespace fs = std::filesystem;

namespace {

/// `file` beside the experiment, or as it stands; empty when there is none.
fs::path existing_file(const std::string& file, const fs::path& folder) {
  std::error_code ignored;
  for (const fs::path& path : {folder / file, fs::path(file)}) {
    if (fs::is_regular_file(path, ignored)) return path;
  }
  return {};
}

/// Where data lie is no part of an identity, what a file holds is.
ConfigNode without_paths(const ConfigNode& node, const fs::path& folder) {
  if (node.is_string()) {
    const fs::path file = existing_file(node.as_text(), folder);
    ConfigNode named = ConfigNode::object();
    named.set("content", file.empty() ? "" : sha256_of_file(file));
    return file.empty() ? node : named;
  }
  if (node.is_array()) {
    ConfigNode list = ConfigNode::array();
    for (size_t i = 0; i < node.size(); ++i) list.push_back(without_paths(node.at(i), folder));
    return list;
  }
  if (!node.is_object()) return node;
  ConfigNode object = ConfigNode::object();
  for (const std::string& key : node.keys()) {
    if (key != "root") object.set(key, without_paths(node.at(key), folder));
  }
  return object;
}

ConfigNode weights_identity(const std::vector<WeightsEntry>& weights, const fs::path& folder) {
  ConfigNode list = ConfigNode::array();
  for (const WeightsEntry& entry : weights) {
    const fs::path file = existing_file(entry.file, folder);
    ConfigNode one = ConfigNode::object();
    one.set("content", file.empty() ? "missing " + entry.file : sha256_of_file(file));
    one.set("map", entry.map);
    one.set("strict", entry.strict);
    if (!entry.skip.empty()) one.set("skip", join(entry.skip));
    list.push_back(one);
  }
  return list;
}

/// "kind/name" -> version of every component that stands in the sections.
ConfigNode versions_of(const ConfigNode& resolved, const std::set<std::string>& sections, const Registry& registry) {
  ConfigNode versions = ConfigNode::object();
  for (const ComponentUse& use : components_of(resolved, registry)) {
    const std::string section = split(use.path.substr(0, use.path.find('[')), '.').front();
    if (sections.count(section) > 0)
      versions.set(use.kind + "/" + use.name, registry.find(use.kind, use.name, use.path).info.version);
  }
  return versions;
}

}  // namespace

ConfigNode without_idle_stop(const ConfigNode& train) {
  if (!train.contains("stop") || train.at("stop").text_or("rule", "none") != "none") return train;
  ConfigNode rest = ConfigNode::object();
  for (const std::string& key : train.keys()) {
    if (key != "stop") rest.set(key, train.at(key));
  }
  return rest;
}

StageHashes Experiment::hashes(const Registry& registry, const std::string& data_fingerprint) const {
  const auto stage = [&](const std::string& before, const std::set<std::string>& sections, ConfigNode more) {
    ConfigNode identity = std::move(more);
    identity.set("before", before);
    identity.set("versions", versions_of(resolved_, sections, registry));
    for (const std::string& section : sections) {
      const ConfigNode content = resolved_.at(section);
      identity.set(section, section == "dataset" ? without_paths(content, folder_)
                            : section == "train" ? without_idle_stop(content)
                                                 : content);
    }
    return sha256(identity.dump());
  };
  StageHashes made;
  ConfigNode data = ConfigNode::object();
  data.set("fingerprint", data_fingerprint);
  made.prepare = stage("", {"dataset", "prepare"}, data);
  ConfigNode training = ConfigNode::object();
  training.set("seed", options_.seed);
  training.set("weights", weights_identity(options_.weights, folder_));
  made.train = stage(made.prepare, {"model", "train", "augment", "loss"}, training);
  made.infer = stage(made.train, {"infer", "postprocess"}, ConfigNode::object());
  made.evaluate = stage(made.infer, {"evaluate"}, ConfigNode::object());
  return made;
}

}  // namespace lamina::engine
