// A prepared case as a file of the cache.
#pragma once

#include "engine/data/prepared.hpp"

#include <filesystem>

namespace lamina::engine {

/// Images float32, labels int16, instances int32, class locations; the geometry lies in the metadata, without the raw
/// file's own header. Written atomically; StorageError when the disk refuses, DataError for labels beyond int16.
void write_case(const std::filesystem::path& file, const Case& prepared);
/// Mapped into memory. DataError when damaged or of another format.
PreparedCase read_case(const std::filesystem::path& file);
/// The file's name for a case id: characters that file systems dislike are escaped.
std::string case_file_name(const std::string& id);

}  // namespace lamina::engine
