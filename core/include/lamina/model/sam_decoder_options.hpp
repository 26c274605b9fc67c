// Sizes of SAM's mask decoder as options; the same in every decoder of its family.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/options/binder.hpp>

#include <cstdint>
#include <vector>

namespace lamina {

/// The defaults are SAM's. Its width is that of the image embedding.
struct LAMINA_API SamDecoderOptions {
  int64_t depth = 2, heads = 8, mlp_channels = 2048;
  std::vector<int64_t> upscale_channels;
  void bind(OptionBinder& o);
};

}  // namespace lamina
