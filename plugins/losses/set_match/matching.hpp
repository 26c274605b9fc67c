// Which query answers for which class of its slice.
#pragma once

#include "points.hpp"
#include "set_terms.hpp"
#include "targets.hpp"

#include <string>

namespace lamina::set_match {

/// What the queries of every slice say. Undefined tensors: the prompter makes none.
struct Queries {
  torch::Tensor scores;     ///< [S, Q, K + 1] logits, the last one for "no object"
  torch::Tensor masks;      ///< [S, Q, H, W] logits
  torch::Tensor aux_masks;  ///< [S, Q, h, w] logits of the prompter's masks
  torch::Tensor aux_boxes;  ///< [S, Q, 4] x1 y1 x2 y2 in [0, 1]
};

/// What each part of the cost weighs.
struct CostWeights {
  double category = 0.2, mask = 1.5, dice = 1.5, aux_mask = 0.5, aux_dice = 0.5, aux_l1 = 0.5, aux_giou = 0.2;
};

/// One row per matched instance: int64 [M] each, ordered by slice and class.
struct Pairs {
  torch::Tensor slice, query, label;
  int64_t unmatched = 0;  ///< instances left over where a slice has more of them than queries
};

/// Cost of every query for every class: [S, Q, K], without gradient; masks are compared at `points` [S, N, 2], or in
/// every pixel where it is undefined. What is not a number becomes 100. Works through a few slices at a time: beside
/// its result it holds no more than about 64 MiB, or one slice where that is more.
torch::Tensor matching_costs(const Queries& queries, const SliceTargets& targets, const CostWeights& weights,
                             const torch::Tensor& points);

/// Per slice, the assignment of its instances to different queries with the smallest total cost.
Pairs match_hungarian(const torch::Tensor& costs, const SliceTargets& targets);
/// Query k answers for class k.
Pairs match_by_class(const SliceTargets& targets);

}  // namespace lamina::set_match
