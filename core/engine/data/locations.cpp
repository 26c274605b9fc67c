// Chooses the voxels that foreground oversampling may centre a patch on.
#include "engine/data/locations.hpp"

#include <lamina/base/random.hpp>
#include <lamina/data/tensors.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace lamina::engine {
namespace {

constexpr uint64_t kSeed = 1234;
constexpr int64_t kEnough = 10000;       // voxels of a class
constexpr double kSmallestShare = 0.01;  // of a large class

int64_t wanted(int64_t count) {
  const auto share = static_cast<int64_t>(std::ceil(static_cast<double>(count) * kSmallestShare));
  return std::max(std::min(kEnough, count), share);
}

/// Picks `wanted` of `count` voxels in one pass over them, each set of that size equally likely (selection sampling).
class Picker {
 public:
  Picker(int64_t label, int64_t count)
      : random_(kSeed, {static_cast<uint64_t>(label)}), left_(count), open_(wanted(count)) {
    positions_.reserve(static_cast<size_t>(open_) * 3);
  }

  void offer(int64_t flat, const Size3& size) {
    const bool take = random_.uniform() * static_cast<double>(left_--) < static_cast<double>(open_);
    if (!take) return;
    --open_;
    positions_.push_back(static_cast<int32_t>(flat / (size[1] * size[2])));
    positions_.push_back(static_cast<int32_t>(flat / size[2] % size[1]));
    positions_.push_back(static_cast<int32_t>(flat % size[2]));
  }

  /// [n, 3]
  torch::Tensor positions() const {
    const auto count = static_cast<int64_t>(positions_.size()) / 3;
    return torch::tensor(positions_, torch::kInt32).view({count, 3});
  }

 private:
  Random random_;
  int64_t left_, open_;
  std::vector<int32_t> positions_;
};

}  // namespace

ClassLocations find_locations(const torch::Tensor& labels, std::optional<int64_t> ignore) {
  const torch::Tensor flat = labels.to(torch::kInt16).contiguous().view(-1);
  const Size3 size{labels.size(1), labels.size(2), labels.size(3)};
  const auto* value = flat.const_data_ptr<int16_t>();
  std::map<int64_t, int64_t> counts;
  for (int64_t i = 0; i < flat.numel(); ++i) {
    if (value[i] > 0 && value[i] != ignore) ++counts[value[i]];
  }
  std::map<int64_t, Picker> pickers;
  for (const auto& [label, count] : counts) pickers.emplace(label, Picker(label, count));
  for (int64_t i = 0; i < flat.numel(); ++i) {
    if (value[i] <= 0) continue;
    if (const auto picker = pickers.find(value[i]); picker != pickers.end()) picker->second.offer(i, size);
  }
  ClassLocations locations;
  for (const auto& [label, picker] : pickers) locations[label] = picker.positions();
  return locations;
}

}  // namespace lamina::engine
