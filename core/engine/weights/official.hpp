// Weights that their authors publish.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace lamina::engine {

struct OfficialWeights {
  const char *name, *url;
  uint64_t bytes;
  const char *sha256, *map, *what;
  std::string file() const;  ///< the last part of the URL
};

std::span<const OfficialWeights> official_weights();
/// ConfigError, with the nearest name, where there is none.
const OfficialWeights& official_weights(const std::string& name);

}  // namespace lamina::engine
