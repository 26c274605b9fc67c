// What a run ran with: versions, plugins, machine.
#include "engine/run/device.hpp"
#include "engine/run/run_folder.hpp"

#include <lamina/base/version.hpp>
#include <lamina/plugin/stamp.hpp>

#include <fstream>
#include <map>
#include <set>
#include <string>
#include <thread>

#include <sys/utsname.h>

namespace lamina::engine {
namespace {

/// Every "type" in the experiment.
std::set<std::string> component_names(const ConfigNode& node) {
  std::set<std::string> names;
  if (node.is_object()) {
    for (const auto& key : node.keys()) {
      if (key == "type" && node.at(key).is_string()) names.insert(node.at(key).as_text());
      names.merge(component_names(node.at(key)));
    }
  }
  if (node.is_array()) {
    for (size_t i = 0; i < node.size(); ++i) names.merge(component_names(node.at(i)));
  }
  return names;
}

/// Stamps of the plugins that offer a component of this experiment.
ConfigNode plugins_of(const Experiment& experiment, const Registry& registry) {
  const auto names = component_names(experiment.resolved());
  std::map<std::string, std::string> files;  // by plugin
  for (const auto& one : registry.list()) {
    if (!one.file.empty() && names.count(one.name)) files[one.plugin] = one.file;
  }
  ConfigNode node = ConfigNode::object();
  for (const auto& [plugin, file] : files) {
    ConfigNode entry = ConfigNode::object();
    entry.set("file", file);
    if (const auto stamp = read_stamp(file)) {
      entry.set("version", stamp->version);
      entry.set("license", stamp->license);
      ConfigNode components = ConfigNode::object();
      for (const auto& one : stamp->components) components.set(one.kind + " " + one.name, one.version);
      entry.set("components", std::move(components));
    }
    node.set(plugin, std::move(entry));
  }
  return node;
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

ConfigNode machine() {
  utsname system{};
  uname(&system);
  ConfigNode node = ConfigNode::object();
  node.set("host", std::string(system.nodename));
  node.set("system", std::string(system.sysname) + " " + system.release);
  node.set("cpu", cpu_name());
  node.set("cores", static_cast<int64_t>(std::thread::hardware_concurrency()));
  return node;
}

}  // namespace

ConfigNode environment_of(const Experiment& experiment, const Registry& registry) {
  const auto& runtime = experiment.options().runtime;
  ConfigNode build = ConfigNode::object();
  for (const auto& [key, value] : program_build()) build.set(key, value);
  ConfigNode node = ConfigNode::object();
  node.set("lamina", LAMINA_VERSION);
  node.set("build", std::move(build));
  node.set("plugins", plugins_of(experiment, registry));
  node.set("machine", machine());
  node.set("device", choose_device(runtime.device).str());
  node.set("threads", arithmetic_threads(runtime));
  node.set("workers", runtime.workers);
  return node;
}

}  // namespace lamina::engine
