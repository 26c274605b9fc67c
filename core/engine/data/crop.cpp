// Cuts boxes out of volumes with their geometry.
#include "engine/data/crop.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>

namespace lamina::engine {
namespace {

/// The part of `box` inside a grid of `size`, in the grid's voxels; empty where they do not meet.
Box inside(const Box& box, const Size3& size) {
  Box part;
  for (size_t axis = 0; axis < 3; ++axis) {
    part.begin[axis] = std::clamp<int64_t>(box.begin[axis], 0, size[axis]);
    part.end[axis] = std::clamp<int64_t>(box.end[axis], part.begin[axis], size[axis]);
  }
  return part;
}

Box shifted(Box box, const Size3& by) {
  for (size_t axis = 0; axis < 3; ++axis) box.begin[axis] -= by[axis], box.end[axis] -= by[axis];
  return box;
}

torch::Tensor view_of(torch::Tensor voxels, const Box& box) {
  for (size_t axis = 0; axis < 3; ++axis)
    voxels = voxels.narrow(static_cast<int64_t>(axis) + 1, box.begin[axis], box.size()[axis]);
  return voxels;
}

Streams<Volume> crop_all(const Streams<Volume>& streams, const Box& box, const Size3& grid, const std::string& id) {
  Streams<Volume> cropped;
  for (const auto& [stream, volume] : streams) {
    if (!volume.defined()) continue;
    if (volume.size() != grid) {
      throw DataError(text("case ", id, ": stream '", stream, "' has ", join(volume.size(), "x"), " voxels, the image ",
                           join(grid, "x"), "; patches need one grid"));
    }
    cropped.set(stream, crop(volume, box));
  }
  return cropped;
}

}  // namespace

Volume crop(const Volume& volume, const Box& box) {
  const Size3 size = box.size();
  const Box source = inside(box, volume.size());
  Volume cut;
  cut.voxels = torch::zeros({volume.voxels.size(0), size[0], size[1], size[2]}, volume.voxels.options());
  if (!source.empty()) view_of(cut.voxels, shifted(source, box.begin)).copy_(view_of(volume.voxels, source));
  cut.geometry = volume.geometry;
  cut.geometry.header = nullptr;  // of another grid
  const std::array<double, 3> corner{static_cast<double>(box.begin[0]), static_cast<double>(box.begin[1]),
                                     static_cast<double>(box.begin[2])};
  cut.geometry.origin = to_physical(volume.geometry, corner);
  return cut;
}

Case crop(const Case& one, const Box& box) {
  const Size3 grid = one.images.primary().size();
  Case cut;
  cut.id = one.id;
  cut.group = one.group;
  cut.ignore = one.ignore;
  cut.images = crop_all(one.images, box, grid, one.id);
  cut.labels = crop_all(one.labels, box, grid, one.id);
  cut.instances = crop_all(one.instances, box, grid, one.id);
  const Box valid = one.valid.empty() ? Box{{0, 0, 0}, grid} : one.valid;
  cut.valid = inside(shifted(inside(valid, grid), box.begin), box.size());
  return cut;
}

Case centre_crop(const Case& one, const Size3& size) {
  const Size3 grid = one.images.primary().size();
  if (grid == size) return one;
  Box box;
  for (size_t axis = 0; axis < 3; ++axis) {
    // Towards zero would be uneven for negative numbers; floor matches the cut that the sampler made.
    const int64_t spare = grid[axis] - size[axis];
    box.begin[axis] = spare >= 0 ? spare / 2 : -((1 - spare) / 2);
    box.end[axis] = box.begin[axis] + size[axis];
  }
  return crop(one, box);
}

}  // namespace lamina::engine
