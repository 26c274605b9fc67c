#include <lamina/model/mask_prompt_size.hpp>

#include <algorithm>
#include <cmath>

namespace lamina {

std::optional<std::array<int64_t, 2>> mask_prompt_size(const std::vector<FeatureSpec>& features, const Size3& patch) {
  constexpr double kPixelsPerCell = 4;
  const auto found =
      std::find_if(features.begin(), features.end(), [](const auto& spec) { return spec.name == "embedding"; });
  if (found == features.end()) return std::nullopt;
  const auto along = [&](size_t axis) {
    return static_cast<int64_t>(std::lround(kPixelsPerCell * static_cast<double>(patch[axis]) / found->stride[axis]));
  };
  return std::array{along(1), along(2)};
}

}  // namespace lamina
