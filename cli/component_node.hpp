// A component as JSON: what `list` and `describe` say of it.
#pragma once

#include <lamina/options/config_node.hpp>
#include <lamina/plugin/stamp.hpp>

namespace lamina::cli {

inline ConfigNode component_node(const ComponentInfo& info) {
  ConfigNode node;
  node.set("kind", info.kind);
  node.set("name", info.name);
  node.set("version", info.version);
  node.set("summary", info.summary);
  node.set("plugin", info.plugin);
  node.set("file", info.file);
  return node;
}

}  // namespace lamina::cli
