// lamina list: what there is, from the stamps alone; no plugin is opened.
#include <lamina/base/error.hpp>
#include <lamina/base/log.hpp>
#include <lamina/base/text.hpp>
#include <lamina/plugin/loader.hpp>

#include "component_node.hpp"
#include "verbs.hpp"

#include <algorithm>
#include <iostream>
#include <map>
#include <set>

namespace lamina::cli {
namespace {

ConfigNode file_node(const PluginFile& file) {
  ConfigNode node, components = ConfigNode::array();
  node.set("file", file.file.string());
  node.set("refusal", file.refusal);
  if (file.stamp) {
    node.set("plugin", file.stamp->plugin);
    node.set("version", file.stamp->version);
    node.set("license", file.stamp->license);
    for (const auto& info : file.stamp->components) components.push_back(component_node(info));
  }
  node.set("components", components);
  return node;
}

std::vector<ComponentInfo> usable_components(const std::vector<PluginFile>& files) {
  std::vector<ComponentInfo> all;
  for (const auto& file : files) {
    if (file.refusal.empty()) all.insert(all.end(), file.stamp->components.begin(), file.stamp->components.end());
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a.kind, a.name, a.file) < std::tie(b.kind, b.name, b.file);
  });
  return all;
}

std::vector<ComponentInfo> of_kind(std::vector<ComponentInfo> all, const std::string& kind) {
  std::set<std::string> kinds;
  for (const auto& info : all) kinds.insert(info.kind);
  if (kind.empty()) return all;
  if (kinds.empty()) throw PluginError("no usable plugin was found; lamina list --plugins shows where and what");
  if (!kinds.contains(kind)) {
    const std::vector<std::string> known(kinds.begin(), kinds.end());
    throw ConfigError(
        text("there are no components of the kind '", kind, "'", did_you_mean(kind, known), "; kinds: ", join(known)));
  }
  std::erase_if(all, [&](const auto& info) { return info.kind != kind; });
  return all;
}

void print_components(const std::vector<ComponentInfo>& all) {
  size_t width = 0;
  for (const auto& info : all) width = std::max(width, info.name.size());
  std::string kind;
  for (const auto& info : all) {
    if (info.kind != kind) std::cout << (kind.empty() ? "" : "\n") << (kind = info.kind) << "\n";
    std::cout << "  " << info.name << std::string(width - info.name.size() + 2, ' ') << info.summary << "\n";
  }
}

void print_plugins(const std::vector<PluginFile>& files) {
  for (const auto& file : files) {
    if (!file.refusal.empty()) {
      std::cout << "refused  " << file.refusal << "\n";
      continue;
    }
    std::vector<std::string> names;
    for (const auto& info : file.stamp->components) names.push_back(info.kind + " " + info.name);
    std::cout << "usable   " << file.file.string() << ": " << file.stamp->plugin << " " << file.stamp->version << " ("
              << file.stamp->license << "): " << join(names) << "\n";
  }
}

void warn_of_trouble(const std::vector<PluginFile>& files, const std::vector<ComponentInfo>& all) {
  for (const auto& file : files) {
    if (!file.refusal.empty()) log_warning(file.refusal);
  }
  for (size_t i = 1; i < all.size(); ++i) {
    const auto &a = all[i - 1], &b = all[i];
    if (a.kind == b.kind && a.name == b.name)
      log_warning(text("the ", a.kind, " '", a.name, "' is offered by ", a.file, " and by ", b.file));
  }
}

int run(const po::variables_map& arguments) {
  const bool plugins = arguments.contains("plugins"), json = arguments.contains("json");
  const auto files = scan_plugins(plugin_folders());
  if (plugins) {
    ConfigNode list = ConfigNode::array();
    for (const auto& file : files) list.push_back(file_node(file));
    if (json) {
      std::cout << list.dump(2) << "\n";
    } else {
      print_plugins(files);
    }
    return 0;
  }
  const auto all = usable_components(files);
  warn_of_trouble(files, all);
  const auto chosen = of_kind(all, arguments.contains("kind") ? arguments["kind"].as<std::string>() : "");
  if (!json) {
    print_components(chosen);
    return 0;
  }
  ConfigNode list = ConfigNode::array();
  for (const auto& info : chosen) list.push_back(component_node(info));
  std::cout << list.dump(2) << "\n";
  return 0;
}

}  // namespace

Verb list_verb() {
  return {"list",
          "shows the components that plugins offer",
          "lamina list [KIND] [--json] [--plugins]",
          "lamina list adapter",
          [](po::options_description& options, po::positional_options_description& positional) {
            auto add = options.add_options();
            add("kind", po::value<std::string>(),
                "backbone, adapter, prompter, decoder, dataset, loss, ...: only these");
            add("json", "print a JSON list");
            add("plugins", "show the files, refused ones with the reason");
            positional.add("kind", 1);
          },
          run};
}

}  // namespace lamina::cli
