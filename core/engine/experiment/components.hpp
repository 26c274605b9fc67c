// All components of an experiment, wherever they stand; those inside other components' options too.
#pragma once

#include <lamina/plugin/registry.hpp>

#include <string>
#include <vector>

namespace lamina::engine {

struct ComponentUse {
  std::string kind, name, path;  // path: "model.adapters[0]"
};

/// `experiment` is a checked one: every type is known.
std::vector<ComponentUse> components_of(const ConfigNode& experiment, const Registry& registry);

}  // namespace lamina::engine
