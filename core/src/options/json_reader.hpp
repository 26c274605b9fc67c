// JSON text to a value: // comments, no duplicate keys, no bottomless nesting; mistakes with line and column.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace lamina {

/// Throws ConfigError "origin:line:column: what is wrong".
nlohmann::json read_json(std::string_view text, const std::string& origin);

}  // namespace lamina
