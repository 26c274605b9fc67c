// SHA-256 as 64 hexadecimal digits.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace lamina::engine {

std::string sha256(std::string_view bytes);
/// Read in pieces; remembered for as long as size and time of change stay. DataError when it cannot be read.
std::string sha256_of_file(const std::filesystem::path& file);

}  // namespace lamina::engine
