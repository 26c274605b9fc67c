// One merge rule for `base`, and the reading of a file with its bases.
#pragma once

#include "engine/experiment/traced.hpp"

#include <filesystem>

namespace lamina::engine {

/// `over` on top of `under`. Objects merge; scalars and lists replace, and so does an object whose `type` differs.
/// {"$append": [...], "$prepend": [...], "$remove": [ids]} edits the inherited list. `where` is for messages.
Traced merge(const Traced& under, const Traced& over, const std::string& where = "");
/// Is it {"$append": .., "$prepend": .., "$remove": ..}?
bool edits_list(const Traced& node);
/// The file on top of its bases, merged left to right. ConfigError for cycles and chains deeper than 16.
Traced read_traced(const std::filesystem::path& file);
/// The same for a node whose `base` entries are relative to `folder`.
Traced merge_bases(const Traced& node, const std::filesystem::path& folder);

}  // namespace lamina::engine
