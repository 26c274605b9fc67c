// All cases on one number of voxels.
#include "resize.hpp"

#include "score_resizer.hpp"
#include "volume_resize.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

namespace lamina {
namespace {

using resampling::Content;

/// Slices whose number stays are never mixed.
std::optional<int> kept_apart(const Size3& from, const Size3& to) {
  return from[0] == to[0] ? std::optional(0) : std::nullopt;
}

}  // namespace

void ResizeOptions::bind(OptionBinder& o) {
  o.field(
      "size", size,
      "voxels as [z, y, x], null keeps an axis as it is; or \"patch\": slices of the size of train.patch, as many as "
      "the case has");
}

void ResizeOptions::check(OptionErrors& errors, const std::string& where) const {
  const auto wrong = [&] {
    errors.add(where + ".size",
               "got " + size.dump() + ", expected [z, y, x] in voxels with null for axes to keep, or \"patch\"");
  };
  if (size.is_string()) return size.as_text() == "patch" ? void() : wrong();
  if (!size.is_array() || size.size() != 3) return wrong();
  for (size_t axis = 0; axis < 3; ++axis) {
    const ConfigNode entry = size.at(axis);
    if (!entry.is_null() && (!entry.is_integer() || entry.as_integer() < 1)) return wrong();
  }
}

Resize::Resize(const Options& options, const TransformContext& context) {
  for (size_t axis = 0; axis < 3; ++axis) {
    if (options.size.is_string()) {
      if (axis > 0) size_[axis] = context.patch[axis];
    } else if (!options.size.at(axis).is_null()) {
      size_[axis] = options.size.at(axis).as_integer();
    }
  }
}

Size3 Resize::target(const Size3& size) const {
  Size3 result = size;
  for (size_t axis = 0; axis < 3; ++axis) result[axis] = size_[axis].value_or(size[axis]);
  return result;
}

Case Resize::apply(Case one, Random&) const {
  const Size3 before = one.images.primary().size(), after = target(before);
  const auto resize = [&](Streams<Volume>& streams, Content content) {
    for (auto& [stream, volume] : streams) {
      if (!volume.defined()) continue;
      const Size3 size = target(volume.size());
      volume = resampling::resized_volume(volume, size, kept_apart(volume.size(), size), content);
    }
  };
  resize(one.images, Content::Image);
  resize(one.labels, Content::Labels);
  resize(one.instances, Content::Labels);
  one.valid = resampling::resized_box(one.valid, before, after);
  return one;
}

std::unique_ptr<SlabSink> Resize::inverse(const Frame& before, const Frame& after, SlabSink& next) const {
  if (before.size == after.size) return nullptr;
  return std::make_unique<resampling::ScoreResizer>(after.size, before.size, kept_apart(after.size, before.size), next);
}

}  // namespace lamina
