// Volumes with their geometry on another number of voxels.
#include "volume_resize.hpp"

#include "interpolate.hpp"

#include <vector>

#include <ATen/ATen.h>

namespace lamina::resampling {

Volume resized_volume(const Volume& volume, const Size3& size, std::optional<int> separate, Content content) {
  if (!volume.defined()) return volume;
  const Frame frame{volume.size(), volume.geometry};
  if (size == frame.size) return volume;
  std::vector<torch::Tensor> channels;
  for (const auto& channel : volume.voxels.unbind(0)) {
    channels.push_back(content == Content::Image ? resize_cubic(channel, size, separate)
                                                 : resize_labels(channel, size, separate));
  }
  return {at::stack(channels), regridded(frame, size)};
}

Box resized_box(const Box& box, const Size3& from, const Size3& to) {
  Box result;
  for (size_t axis = 0; axis < 3; ++axis) {
    result.begin[axis] = (box.begin[axis] * to[axis] + from[axis] - 1) / from[axis];
    result.end[axis] = box.end[axis] * to[axis] / from[axis];
  }
  return result;
}

}  // namespace lamina::resampling
