// How well a mask fits: cross-entropy and Dice, for pairs that were matched and for every query with every class.
#pragma once

#include <torch/types.h>

namespace lamina::set_match {

struct MaskTerms {
  torch::Tensor bce, dice;
};

/// One pair per row: logits [M, P] against targets [M, P] in [0, 1]. `counted` [M, P] weighs pixels; undefined: all.
/// bce is the weighted mean, dice is 1 - (2 sum(p t) + 1) / (sum(p) + sum(t) + 1). Both [M].
MaskTerms pair_terms(const torch::Tensor& logits, const torch::Tensor& targets, const torch::Tensor& counted);

/// The same for all combinations by two matrix products: logits [S, Q, P], targets [S, K, P], counted [S, P] or
/// undefined -> [S, Q, K].
MaskTerms matrix_terms(const torch::Tensor& logits, const torch::Tensor& targets, const torch::Tensor& counted);

/// Maps [R, C, h, w] at another size, bilinear (align_corners false); unchanged where they have it.
torch::Tensor resized(const torch::Tensor& maps, int64_t height, int64_t width);

}  // namespace lamina::set_match
