// Cuts away the empty border of a volume, as nnU-Net does.
#include "crop_nonzero.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace lamina {
namespace {

/// First and one past the last true entry of a 1D mask; {0, 0} without one.
std::array<int64_t, 2> extent(const torch::Tensor& mask) {
  const auto hits = mask.nonzero();
  if (hits.size(0) == 0) return {0, 0};
  return {hits[0].item<int64_t>(), hits[-1].item<int64_t>() + 1};
}

torch::Tensor cut(const torch::Tensor& voxels, const Box& box) {
  const Size3 size = box.size();
  return voxels.narrow(1, box.begin[0], size[0]).narrow(2, box.begin[1], size[1]).narrow(3, box.begin[2], size[2]);
}

Volume crop(const Volume& volume, const Box& box, const Size3& expected, const std::string& where) {
  if (!volume.defined()) return volume;
  if (volume.size() != expected) {
    throw DataError(text(where, " has ", join(volume.size(), " x "), " voxels (z, y, x), the first image has ",
                         join(expected, " x "), "; crop_nonzero needs one grid"));
  }
  Volume result{cut(volume.voxels, box).contiguous(), volume.geometry};
  result.geometry.origin = to_physical(
      volume.geometry,
      {static_cast<double>(box.begin[0]), static_cast<double>(box.begin[1]), static_cast<double>(box.begin[2])});
  result.geometry.header = nullptr;  // it describes the whole volume
  return result;
}

Box shifted(const Box& valid, const Box& box) {
  Box result;
  for (size_t axis = 0; axis < 3; ++axis) {
    result.begin[axis] = std::max(valid.begin[axis], box.begin[axis]) - box.begin[axis];
    result.end[axis] = std::min(valid.end[axis], box.end[axis]) - box.begin[axis];
  }
  return result;
}

/// Where `after` lies in `before`; both have the same axes.
Box position(const Frame& before, const Frame& after) {
  const auto first = to_index(before.geometry, after.geometry.origin);
  Box box;
  for (size_t axis = 0; axis < 3; ++axis) {
    box.begin[axis] = std::llround(first[axis]);
    box.end[axis] = box.begin[axis] + after.size[axis];
    if (box.begin[axis] < 0 || box.end[axis] > before.size[axis]) {
      throw Error(text("the cropped grid (", join(after.size, " x "), " at ", join(box.begin, ", "),
                       ") does not lie within the whole one of ", join(before.size, " x "), " voxels"));
    }
  }
  return box;
}

}  // namespace

void CropNonzeroOptions::bind(OptionBinder& o) {
  o.field("margin", margin, "voxels kept around the box on every side, where the volume has them", AtLeast{0});
}

CropNonzero::CropNonzero(const Options& options, const TransformContext&) : options_(options) {}

Box CropNonzero::nonzero_box(const torch::Tensor& image) {
  const auto mask = image.ne(0).any(0);  // [D, H, W]
  const auto rows = mask.any(2);         // [D, H]
  const std::array<std::array<int64_t, 2>, 3> extents{extent(rows.any(1)), extent(rows.any(0)),
                                                      extent(mask.any(0).any(0))};
  Box box;
  for (size_t axis = 0; axis < 3; ++axis) box.begin[axis] = extents[axis][0], box.end[axis] = extents[axis][1];
  if (box.empty()) return {{0, 0, 0}, {mask.size(0), mask.size(1), mask.size(2)}};
  return box;
}

Case CropNonzero::apply(Case one, Random&) const {
  const Size3 size = one.images.primary().size();
  Box box = nonzero_box(one.images.primary().voxels);
  for (size_t axis = 0; axis < 3; ++axis) {
    box.begin[axis] = std::max<int64_t>(0, box.begin[axis] - options_.margin);
    box.end[axis] = std::min(size[axis], box.end[axis] + options_.margin);
  }
  if (box.size() == size) return one;
  for (auto& [stream, volume] : one.images) volume = crop(volume, box, size, text("case ", one.id, ": image ", stream));
  for (auto& [stream, volume] : one.labels) volume = crop(volume, box, size, text("case ", one.id, ": label ", stream));
  for (auto& [stream, volume] : one.instances) {
    volume = crop(volume, box, size, text("case ", one.id, ": instances ", stream));
  }
  one.valid = shifted(one.valid, box);
  return one;
}

std::unique_ptr<SlabSink> CropNonzero::inverse(const Frame& before, const Frame& after, SlabSink& next) const {
  if (before.size == after.size) return nullptr;
  return std::make_unique<PadAround>(position(before, after), before.size, next);
}

PadAround::PadAround(const Box& box, const Size3& whole, SlabSink& next) : box_(box), whole_(whole), next_(next) {}

void PadAround::put_empty(int64_t slices) {
  if (slices <= 0) return;
  auto scores = at::zeros({classes_, 1, whole_[1], whole_[2]}, at::kFloat);
  scores[0].fill_(1);
  for (int64_t i = 0; i < slices; ++i) next_.put(scores);
}

void PadAround::put(const torch::Tensor& scores) {
  if (received_ == 0) {
    classes_ = scores.size(0);
    put_empty(box_.begin[0]);
  }
  received_ += scores.size(1);
  const Size3 inside = box_.size();
  if (inside[1] == whole_[1] && inside[2] == whole_[2]) return next_.put(scores);
  auto slab = at::zeros({classes_, scores.size(1), whole_[1], whole_[2]}, scores.options());
  slab[0].fill_(1);
  slab.narrow(2, box_.begin[1], inside[1]).narrow(3, box_.begin[2], inside[2]).copy_(scores);
  next_.put(slab);
}

void PadAround::finish() {
  const Size3 inside = box_.size();
  if (received_ != inside[0])
    throw Error(text("crop_nonzero got scores of ", received_, " slices, expected ", inside[0]));
  put_empty(whole_[0] - box_.end[0]);
  next_.finish();
}

}  // namespace lamina
