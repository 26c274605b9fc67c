// A run's curves, read back.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lamina::engine {

/// A CSV file of numbers by column; an empty field is NaN.
using NumberColumns = std::map<std::string, std::vector<double>>;

/// DataError when the file is missing.
NumberColumns read_number_columns(const std::filesystem::path& file);

}  // namespace lamina::engine
