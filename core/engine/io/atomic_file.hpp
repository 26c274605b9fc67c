// Files that are either the old one or the new one, never half of it.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace lamina::engine {

/// Writes under a temporary name in the same folder, flushes file and folder to the disk, renames. StorageError with the
/// system's reason; the old file and no temporary one is left then.
void write_file(const std::filesystem::path& file, const std::string& content);
/// The same for a writer that wants a path (it is given the temporary one, with the file's own extension).
void write_file(const std::filesystem::path& file, const std::function<void(const std::filesystem::path&)>& writer);
/// create_directories with a StorageError in words.
void make_folder(const std::filesystem::path& folder);
std::string read_file(const std::filesystem::path& file);  ///< DataError when missing

}  // namespace lamina::engine
