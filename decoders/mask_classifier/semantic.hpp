// From masks with classes to a class per voxel.
#pragma once

#include <lamina/nn/site.hpp>

#include <torch/types.h>

namespace lamina::mask_classifier {

/// Whether background is one of the classes that queries choose from.
enum class Background { Class, Ignore };

/// scores[c] = sum over a slice's queries of p(c) * sigmoid(mask), where p is the softmax of the class logits without
/// its last entry, "no object". masks [N, H, W], classes [N, K + 1], N = B*D*Q ordered (b, d, q) -> [B, K, D, H, W].
/// With the background ignored a plane of 0.5 stands before the K foreground classes: less than half a mask is
/// background.
torch::Tensor combine(const torch::Tensor& masks, const torch::Tensor& classes, const Axes& axes,
                      Background background);

}  // namespace lamina::mask_classifier
