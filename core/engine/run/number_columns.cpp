// Reads CSV files that hold numbers only.
#include "engine/run/number_columns.hpp"

#include <lamina/base/atomic_file.hpp>
#include <lamina/base/text.hpp>

#include <cstdlib>
#include <limits>
#include <sstream>

namespace lamina::engine {

NumberColumns read_number_columns(const std::filesystem::path& file) {
  std::istringstream lines(read_file(file));
  std::string line;
  if (!std::getline(lines, line)) return {};
  const std::vector<std::string> names = split(line, ',');
  NumberColumns columns;
  for (const auto& name : names) columns[name];
  while (std::getline(lines, line)) {
    const std::vector<std::string> fields = split(line, ',');
    for (size_t i = 0; i < names.size(); ++i) {
      const std::string field = i < fields.size() ? fields[i] : "";
      char* end = nullptr;
      const double value = std::strtod(field.c_str(), &end);
      columns[names[i]].push_back(end == field.c_str() ? std::numeric_limits<double>::quiet_NaN() : value);
    }
  }
  return columns;
}

}  // namespace lamina::engine
