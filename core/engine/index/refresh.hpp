// Takes into the index what changed in the run folders.
#pragma once

#include "engine/index/database.hpp"

#include <lamina/plugin/registry.hpp>

#include <cstdint>
#include <filesystem>

namespace lamina::engine {

/// Reads new and changed runs and plans, and forgets those that are gone; writes nothing when nothing changed. Returns
/// how many run folders were read.
int64_t refresh_index(const Database& database, const std::filesystem::path& runs, const Registry& registry);

}  // namespace lamina::engine
