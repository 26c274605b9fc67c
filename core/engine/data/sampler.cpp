// Draws, cuts and augments training patches.
#include "engine/data/sampler.hpp"

#include "engine/data/collate.hpp"
#include "engine/data/crop.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>

namespace lamina::engine {
namespace {

/// Where a patch may begin along an axis: inside the image, or centred on it where the image is smaller.
struct Span {
  int64_t low, high;
};

Span begins(int64_t extent, int64_t patch) {
  if (extent >= patch) return {0, extent - patch};
  const int64_t before = (patch - extent) / 2;
  return {-before, -before};
}

/// `patch` enlarged by `reach`, by as much on both sides: crops within crops then keep one centre.
Size3 enlarged(const Size3& patch, const std::array<double, 3>& reach) {
  Size3 size = patch;
  for (size_t axis = 0; axis < 3; ++axis) {
    const auto more = static_cast<int64_t>(std::ceil(static_cast<double>(patch[axis]) * reach[axis])) - patch[axis];
    size[axis] += more + more % 2;
  }
  return size;
}

/// A foreground voxel of a class drawn uniformly among those present; [3] z, y, x.
torch::Tensor draw_voxel(const ClassLocations& locations, Random& random) {
  const auto chosen = std::next(locations.begin(), random.integer(0, std::ssize(locations) - 1));
  return chosen->second[random.integer(0, chosen->second.size(0) - 1)];
}

}  // namespace

Sampler::Sampler(const PreparedDataset& data, SamplerSetup setup, const std::vector<ConfigNode>& augment,
                 const TransformContext& context, const Registry& registry)
    : data_(data), setup_(std::move(setup)), cut_(setup_.patch) {
  if (setup_.ids.empty()) throw DataError("there are no cases to draw patches from: the training split is empty");
  for (size_t i = 0; i < augment.size(); ++i) {
    const std::string where = text("augment[", i, "]");
    augment_.push_back({as_entry(augment[i]).text_or("type", where),
                        registry.create<Transform>(augment[i], where, context), setup_.patch});
  }
  std::array<double, 3> reach{1, 1, 1};
  for (auto step = augment_.rbegin(); step != augment_.rend(); ++step) {
    step->leaves = enlarged(setup_.patch, reach);
    for (size_t axis = 0; axis < 3; ++axis) reach[axis] *= step->transform->reach()[axis];
  }
  cut_ = enlarged(setup_.patch, reach);
}

bool Sampler::forced(int64_t index, Random random) const {
  const int64_t group = setup_.batch * setup_.accumulate;
  if (group == 1) return random.chance(setup_.foreground);
  const double free = std::nearbyint(static_cast<double>(group) * (1 - setup_.foreground));
  return static_cast<double>(index % group) >= free;
}

Box Sampler::place(const PreparedCase& one, bool foreground, Random& random) const {
  const Size3 extent = one.content.images.primary().size();
  const bool centred = foreground && !one.locations.empty();
  const torch::Tensor voxel = centred ? draw_voxel(one.locations, random) : torch::Tensor();
  Box box;
  for (size_t axis = 0; axis < 3; ++axis) {
    const auto [low, high] = begins(extent[axis], setup_.patch[axis]);
    const int64_t begin =
        centred
            ? std::clamp<int64_t>(voxel[static_cast<int64_t>(axis)].item<int64_t>() - setup_.patch[axis] / 2, low, high)
            : random.integer(low, high);
    box.begin[axis] = begin - (cut_[axis] - setup_.patch[axis]) / 2;
    box.end[axis] = box.begin[axis] + cut_[axis];
  }
  return box;
}

Case Sampler::augmented(Case one, const Random& random) const {
  const std::string id = one.id;
  for (size_t i = 0; i < augment_.size(); ++i) {
    Random own = random.fork(i);
    try {
      one = centre_crop(augment_[i].transform->apply(std::move(one), own), augment_[i].leaves);
    } catch (const std::exception& problem) {
      throw DataError(text("case ", id, ": augment step ", i, " (", augment_[i].name, "): ", problem.what()));
    }
  }
  return one;
}

Case Sampler::sample(int64_t epoch, int64_t index) const {
  const torch::NoGradGuard no_grad;
  Random random(setup_.seed, {hash_name("sample"), static_cast<uint64_t>(epoch), static_cast<uint64_t>(index)});
  const auto& id = setup_.ids[static_cast<size_t>(random.integer(0, std::ssize(setup_.ids) - 1))];
  const PreparedCase one = data_.load(id);
  const Box box = place(one, forced(index, random.fork("foreground")), random);
  return augmented(crop(one.content, box), random.fork("augment"));
}

Batch Sampler::batch(int64_t epoch, int64_t index) const {
  std::vector<Case> cases;
  std::vector<int64_t> samples;
  for (int64_t row = 0; row < setup_.batch; ++row) {
    samples.push_back(index * setup_.batch + row);
    cases.push_back(sample(epoch, samples.back()));
  }
  return collate(cases, samples);
}

}  // namespace lamina::engine
