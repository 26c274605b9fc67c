// How linear maps and tables of vision transformers start.
#pragma once

#include <lamina/base/export.hpp>

#include <torch/types.h>

namespace lamina::nn {

/// Fills `target` with normal numbers of mean 0 and spread 0.02, without those beyond two spreads, from torch's own
/// generator. Records no gradient.
LAMINA_API void draw_truncated_normal(torch::Tensor target);

}  // namespace lamina::nn
