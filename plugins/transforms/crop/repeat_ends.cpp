// The first and the last slice once more in front and behind.
#include "repeat_ends.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>

#include <ATen/ATen.h>

namespace lamina {
namespace {

Volume with_ends(const Volume& volume, int64_t slices) {
  if (!volume.defined()) return volume;
  const torch::Tensor& voxels = volume.voxels;  // [C, D, H, W]
  const int64_t depth = voxels.size(1);
  const auto repeated = [&](int64_t slice) { return voxels.narrow(1, slice, 1).expand({-1, slices, -1, -1}); };
  Volume result{at::cat({repeated(0), voxels, repeated(depth - 1)}, 1), volume.geometry};
  result.geometry.origin = to_physical(volume.geometry, {-static_cast<double>(slices), 0, 0});
  result.geometry.header = nullptr;  // it describes the volume without them
  return result;
}

}  // namespace

void RepeatEndsOptions::bind(OptionBinder& o) {
  o.field("slices", slices, "how often at each end; null: half a patch, rounded down, so 2 for 5 slices", AtLeast{0});
}

RepeatEnds::RepeatEnds(const Options& options, const TransformContext& context)
    : slices_(options.slices.value_or(context.patch[0] / 2)) {}

Case RepeatEnds::apply(Case one, Random&) const {
  if (slices_ == 0) return one;
  for (auto* streams : {&one.images, &one.labels, &one.instances}) {
    for (auto& [stream, volume] : *streams) volume = with_ends(volume, slices_);
  }
  one.valid.begin[0] += slices_;
  one.valid.end[0] += slices_;
  return one;
}

std::unique_ptr<SlabSink> RepeatEnds::inverse(const Frame&, const Frame& after, SlabSink& next) const {
  if (slices_ == 0) return nullptr;
  return std::make_unique<WithoutEnds>(slices_, after.size[0], next);
}

WithoutEnds::WithoutEnds(int64_t ends, int64_t slices, SlabSink& next)
    : begin_(ends), end_(slices - ends), next_(next) {}

void WithoutEnds::put(const torch::Tensor& scores) {
  const int64_t first = std::max(begin_ - received_, int64_t{0});
  const int64_t last = std::min(end_ - received_, scores.size(1));
  received_ += scores.size(1);
  if (last > first) next_.put(scores.narrow(1, first, last - first));
}

void WithoutEnds::finish() {
  if (received_ != end_ + begin_)
    throw Error(text("repeat_ends got scores of ", received_, " slices, expected ", end_ + begin_));
  next_.finish();
}

}  // namespace lamina
