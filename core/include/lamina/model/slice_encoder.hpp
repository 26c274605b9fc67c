// What encoders share that see a volume slice by slice, in colour, as SAM's do.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/tensors.hpp>
#include <lamina/model/features.hpp>
#include <lamina/nn/site.hpp>

#include <array>
#include <cstdint>
#include <string>

#include <torch/types.h>

namespace lamina {

/// ConfigError where the image (behind a stem) has neither 1 nor 3 channels, or `side` does not divide its height and
/// width. `patch` is what the user's patch measures, `side_is` names the side: "model.encoder.patch_size 16".
LAMINA_API void require_slices(const Shape& image, const Size3& patch, int64_t side, const std::string& side_is);

/// [B, C, D, H, W] -> [B*D, 3, H, W], b slowest; one channel is shown as grey. Error where a slice is not
/// [1 or 3, height, width].
LAMINA_API torch::Tensor colour_slices(const torch::Tensor& volume, int64_t height, int64_t width);

/// A folded feature whose grid (y, x) covers the patch.
LAMINA_API FeatureSpec slice_feature(const std::string& name, int64_t channels, const Size3& patch,
                                     const std::array<int64_t, 2>& grid);

/// Whether every unit at sites whose paths begin with `prefix` may run twice (SiteHook::repeatable()).
LAMINA_API bool repeatable(const SiteHost& host, const std::string& prefix);

}  // namespace lamina
