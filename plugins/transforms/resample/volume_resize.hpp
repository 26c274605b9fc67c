// Volumes with their geometry on another number of voxels.
#pragma once

#include "grid.hpp"

namespace lamina::resampling {

enum class Content { Image, Labels };

/// As resize_cubic or resize_labels do it, channel by channel; the geometry covers what it covered. An undefined volume
/// stays so.
Volume resized_volume(const Volume& volume, const Size3& size, std::optional<int> separate, Content content);

/// A box of voxels on the new grid, rounded inwards.
Box resized_box(const Box& box, const Size3& from, const Size3& to);

}  // namespace lamina::resampling
