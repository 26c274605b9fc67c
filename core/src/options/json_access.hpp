// Opens a ConfigNode for lamina's own sources: what is inside is one value of the JSON library. Never installed.
#pragma once

#include <lamina/options/config_node.hpp>

#include <utility>

#include <nlohmann/json.hpp>

namespace lamina {

struct ConfigNode::Json {
  nlohmann::json value;
};

inline ConfigNode make_node(nlohmann::json value) {
  ConfigNode node;
  node.json().value = std::move(value);
  return node;
}

}  // namespace lamina
