// Pictures of masks and prompts over an image.
#pragma once

#include <lamina/segment/predictor.hpp>

#include <vector>

namespace lamina::engine {

/// rgb bytes [3, H, W], masks bool [H, W] and the prompts that made them, in pixels -> bytes [H, W, 3]: each mask
/// tinted and outlined in a colour of its own, objects' points as discs, background points as rings, boxes as frames.
torch::Tensor draw_masks(const torch::Tensor& rgb, const std::vector<torch::Tensor>& masks, const Prompts& prompts);

}  // namespace lamina::engine
