// Looks at a shared library's headers without opening it: the system's loader dies of a bus error on a cut-off file.
#pragma once

#include <filesystem>
#include <string>

namespace lamina {

/// "" for a whole library of this machine, else what is wrong with the file.
std::string library_problem(const std::filesystem::path& file);

}  // namespace lamina
