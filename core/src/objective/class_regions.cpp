// One pass over both label maps, run by run: background is long runs, so the pass costs little more than reading.
#include <lamina/objective/class_regions.hpp>

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <limits>

#include <torch/types.h>

namespace lamina {
namespace {

/// Both maps, contiguous and of one type.
struct LabelPair {
  torch::Tensor prediction, reference;
};

LabelPair label_pair(const Volume& prediction, const Case& reference) {
  if (!reference.has_label())
    throw DataError(text("case '", reference.id, "' has no reference labels to score against"));
  if (!prediction.defined()) throw DataError(text("case '", reference.id, "' has no prediction to score"));
  LabelPair pair{prediction.voxels, reference.labels.primary().voxels};
  if (pair.prediction.sizes() != pair.reference.sizes() || pair.reference.dim() != 4 || pair.reference.size(0) != 1) {
    throw DataError(text("case '", reference.id, "': the prediction has size ", pair.prediction.sizes(),
                         ", the reference ", pair.reference.sizes(), "; both must be the same [1, D, H, W]"));
  }
  const auto type = pair.reference.scalar_type();
  const bool same = pair.prediction.scalar_type() == type;
  const bool known = type == torch::kUInt8 || type == torch::kInt16 || type == torch::kInt32 || type == torch::kInt64;
  if (!same || !known) {
    pair.prediction = pair.prediction.to(torch::kInt64);
    pair.reference = pair.reference.to(torch::kInt64);
  }
  return {pair.prediction.contiguous(), pair.reference.contiguous()};
}

/// Calls `visit` with typed pointers to the voxels of both maps.
template <class Visit>
void with_pointers(const LabelPair& pair, const Visit& visit) {
  const auto call = [&]<class T>(T) { visit(pair.prediction.data_ptr<T>(), pair.reference.data_ptr<T>()); };
  switch (pair.reference.scalar_type()) {
    case torch::kUInt8:
      return call(uint8_t{});
    case torch::kInt16:
      return call(int16_t{});
    case torch::kInt32:
      return call(int32_t{});
    default:
      return call(int64_t{});
  }
}

/// Grows the regions of a case, one run of equal voxels at a time.
class RegionCounter {
 public:
  RegionCounter(const Case& reference, int64_t classes) : case_(reference), classes_(classes) {
    for (int64_t class_id = 0; class_id < classes; ++class_id) {
      const int64_t far = std::numeric_limits<int64_t>::max();
      regions_.push_back({class_id, {}, {{far, far, far}, {0, 0, 0}}});
    }
  }

  template <class T>
  void row(const T* predicted, const T* reference, int64_t width, int64_t z, int64_t y) {
    for (int64_t x = 0; x < width;) {
      const T first = predicted[x], second = reference[x];
      int64_t end = x + 1;
      while (end < width && predicted[end] == first && reference[end] == second) ++end;
      run(first, second, z, y, x, end);
      x = end;
    }
  }

  std::vector<ClassRegion> take() {
    regions_.erase(regions_.begin());
    for (auto& region : regions_) {
      region.counts.voxels = voxels_;
      if (region.box.empty()) region.box = {};
    }
    return std::move(regions_);
  }

 private:
  void run(int64_t predicted, int64_t reference, int64_t z, int64_t y, int64_t x, int64_t end) {
    if (case_.ignore && reference == *case_.ignore) return;
    voxels_ += end - x;
    if (predicted == 0 && reference == 0) return;
    add(predicted, "prediction", z, y, x, end).counts.predicted += end - x;
    ClassRegion& region = add(reference, "reference", z, y, x, end);
    region.counts.reference += end - x;
    if (predicted == reference) region.counts.both += end - x;
  }

  ClassRegion& add(int64_t label, const char* map, int64_t z, int64_t y, int64_t x, int64_t end) {
    if (label < 0 || label >= classes_) {
      throw DataError(text("case '", case_.id, "': the ", map, " holds label ", label, " at voxel (z, y, x) = (", z,
                           ", ", y, ", ", x, "), but the classes are 0 .. ", classes_ - 1));
    }
    ClassRegion& region = regions_[static_cast<size_t>(label)];
    const std::array<int64_t, 3> low{z, y, x}, high{z + 1, y + 1, end};
    for (size_t axis = 0; axis < 3; ++axis) {
      region.box.begin[axis] = std::min(region.box.begin[axis], low[axis]);
      region.box.end[axis] = std::max(region.box.end[axis], high[axis]);
    }
    return region;
  }

  const Case& case_;
  int64_t classes_, voxels_ = 0;
  std::vector<ClassRegion> regions_;
};

std::vector<ClassRegion> count_regions(const Volume& prediction, const Case& reference, int64_t classes) {
  const LabelPair pair = label_pair(prediction, reference);
  const int64_t depth = pair.reference.size(1), height = pair.reference.size(2), width = pair.reference.size(3);
  RegionCounter counter(reference, classes);
  with_pointers(pair, [&](const auto* predicted, const auto* truth) {
    for (int64_t z = 0; z < depth; ++z) {
      for (int64_t y = 0; y < height; ++y, predicted += width, truth += width)
        counter.row(predicted, truth, width, z, y);
    }
  });
  return counter.take();
}

}  // namespace

const std::vector<ClassRegion>& class_regions(const Volume& prediction, const Case& reference, int64_t classes,
                                              Scratch& scratch) {
  auto& regions = scratch.get<std::vector<ClassRegion>>(text("class_regions/", classes));
  if (regions.empty()) regions = count_regions(prediction, reference, classes);
  return regions;
}

torch::Tensor joint_mask(const Volume& prediction, const Case& reference, const ClassRegion& region, int64_t margin) {
  const LabelPair pair = label_pair(prediction, reference);
  const auto size = region.box.size();
  const Size3 padded{size[0] + 2 * margin, size[1] + 2 * margin, size[2] + 2 * margin};
  auto mask = torch::zeros({padded[0], padded[1], padded[2]}, torch::kUInt8);
  auto* target = mask.data_ptr<uint8_t>();
  const int64_t height = pair.reference.size(2), width = pair.reference.size(3);
  const int64_t ignore = reference.ignore.value_or(std::numeric_limits<int64_t>::min());
  with_pointers(pair, [&](const auto* predicted, const auto* truth) {
    for (int64_t z = 0; z < size[0]; ++z) {
      for (int64_t y = 0; y < size[1]; ++y) {
        const int64_t from =
            ((z + region.box.begin[0]) * height + y + region.box.begin[1]) * width + region.box.begin[2];
        uint8_t* to = target + ((z + margin) * padded[1] + y + margin) * padded[2] + margin;
        for (int64_t x = 0; x < size[2]; ++x) {
          const int64_t here = truth[from + x];
          const int marks = (predicted[from + x] == region.class_id) | ((here == region.class_id) << 1);
          to[x] = static_cast<uint8_t>(here == ignore ? 0 : marks);
        }
      }
    }
  });
  return mask;
}

}  // namespace lamina
