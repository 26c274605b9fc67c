// Names that the index knows, for questions that name one.
#pragma once

#include "engine/index/database.hpp"

#include <string>
#include <vector>

namespace lamina::engine {

/// The first column of every row.
std::vector<std::string> words_of(Statement statement);
/// ConfigError with the nearest name when `wanted` is not among `known`; "" wants nothing. `what`: "study".
void require_known(const std::string& wanted, const std::vector<std::string>& known, const std::string& what);

}  // namespace lamina::engine
