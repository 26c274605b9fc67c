// The size of mask prompts: SAM's prompt encoder takes four pixels per cell of the image embedding.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/model/features.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace lamina {

/// Pixels (y, x) of a mask prompt over `patch`; none where the encoder makes no image embedding.
LAMINA_API std::optional<std::array<int64_t, 2>> mask_prompt_size(const std::vector<FeatureSpec>& features,
                                                                  const Size3& patch);

}  // namespace lamina
