// Names from a stranger's file, made fit for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace lamina::engine {

/// Control characters and broken UTF-8 as '?'; cut with "..." behind `most` bytes.
std::string printable(std::string_view name, size_t most = 120);
/// Whether that would change nothing.
bool is_printable(std::string_view name, size_t most);

}  // namespace lamina::engine
