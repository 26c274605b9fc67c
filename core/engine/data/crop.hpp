// Cuts boxes out of cases; what lies outside is padded with zeros.
#pragma once

#include <lamina/data/case.hpp>

namespace lamina::engine {

/// `box` in voxels of the volume, any of it may lie outside. The result owns its memory.
Volume crop(const Volume& volume, const Box& box);
/// All streams of a case, which must share one grid (DataError). `valid` becomes what is not padding.
Case crop(const Case& one, const Box& box);
/// The middle of a case.
Case centre_crop(const Case& one, const Size3& size);

}  // namespace lamina::engine
