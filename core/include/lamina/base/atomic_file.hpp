// Files that are either the old one or the new one, never half of it.
#pragma once

#include <lamina/base/export.hpp>

#include <filesystem>
#include <functional>
#include <string>

namespace lamina {

/// Writes under a temporary name in the same folder, flushes file and folder to the disk, renames. StorageError with the
/// system's reason; the old file and no temporary one is left then.
LAMINA_API void write_file(const std::filesystem::path& file, const std::string& content);
/// The same for a writer that wants a path (it is given the temporary one, with the file's own extension).
LAMINA_API void write_file(const std::filesystem::path& file, const std::function<void(const std::filesystem::path&)>& writer);
/// create_directories with a StorageError in words.
LAMINA_API void make_folder(const std::filesystem::path& folder);
LAMINA_API std::string read_file(const std::filesystem::path& file);  ///< DataError when missing

}  // namespace lamina
