// Costs of pairing queries with instances, and the pairing.
#include "matching.hpp"

#include "assignment.hpp"

#include <lamina/nn/boxes.hpp>

#include <algorithm>
#include <vector>

#include <torch/utils.h>

namespace lamina::set_match {
namespace {

constexpr int64_t kFloatsAtOnce = 4 << 20;  // of one [S, Q, P] tensor; about four of them live at once
constexpr double kNotANumber = 100, kBound = 1e6;

torch::Tensor part(const torch::Tensor& tensor, int64_t first, int64_t count) {
  return tensor.defined() ? tensor.narrow(0, first, count) : tensor;
}

/// Weighted mask terms of maps [S, Q, h, w] with every class -> [S, Q, K].
torch::Tensor terms_at_once(const torch::Tensor& maps, const torch::Tensor& labels, const torch::Tensor& points,
                            const SliceTargets& targets, double bce, double dice) {
  torch::Tensor logits, masks, counted;
  if (points.defined()) {
    const LabelPoints found(labels, torch::arange(labels.size(0), labels.options().dtype(torch::kInt64)), points);
    logits = sample_maps(maps, points);
    masks = found.shares(targets.classes());
    if (targets.ignores) counted = found.counted();
  } else {
    logits = resized(maps, labels.size(1), labels.size(2)).flatten(2);
    masks = class_masks(labels.flatten(1), targets.classes());
    if (targets.ignores) counted = labels.flatten(1).ne(kNotCounted).to(torch::kFloat32);
  }
  const MaskTerms terms = matrix_terms(logits, masks, counted);
  return bce * terms.bce + dice * terms.dice;
}

torch::Tensor mask_costs(const torch::Tensor& maps, const torch::Tensor& points, const SliceTargets& targets,
                         double bce, double dice) {
  const int64_t pixels = points.defined() ? points.size(1) : targets.labels[0].numel();
  const int64_t step = std::max<int64_t>(1, kFloatsAtOnce / (maps.size(1) * pixels));
  std::vector<torch::Tensor> costs;
  for (int64_t first = 0; first < targets.slices(); first += step) {
    const int64_t count = std::min(step, targets.slices() - first);
    costs.push_back(terms_at_once(part(maps, first, count), part(targets.labels, first, count),
                                  part(points, first, count), targets, bce, dice));
  }
  return torch::cat(costs);
}

torch::Tensor box_costs(const torch::Tensor& boxes, const SliceTargets& targets, double l1, double giou) {
  const torch::Tensor mine = boxes.unsqueeze(2), wanted = targets.boxes.unsqueeze(1);  // [S, Q, 1, 4], [S, 1, K, 4]
  return l1 * (mine - wanted).abs().sum(-1) - giou * nn::generalized_box_iou(mine, wanted);
}

}  // namespace

torch::Tensor matching_costs(const Queries& queries, const SliceTargets& targets, const CostWeights& weights,
                             const torch::Tensor& points) {
  const torch::NoGradGuard no_grad;
  torch::Tensor costs = -weights.category * queries.scores.softmax(-1).narrow(-1, 0, targets.classes());
  costs = costs + mask_costs(queries.masks, points, targets, weights.mask, weights.dice);
  if (queries.aux_masks.defined())
    costs = costs + mask_costs(queries.aux_masks, points, targets, weights.aux_mask, weights.aux_dice);
  if (queries.aux_boxes.defined())
    costs = costs + box_costs(queries.aux_boxes, targets, weights.aux_l1, weights.aux_giou);
  return at::nan_to_num(costs, kNotANumber, kBound, -kBound).clamp(-kBound, kBound);
}

Pairs match_hungarian(const torch::Tensor& costs, const SliceTargets& targets) {
  const torch::Tensor table = costs.to(torch::kCPU, torch::kFloat64).contiguous();
  const torch::Tensor present = targets.present.to(torch::kCPU).contiguous();
  const int64_t queries = table.size(1);
  Pairs pairs;
  std::vector<int64_t> slices, chosen, labels;
  for (int64_t s = 0; s < targets.slices(); ++s) {
    const torch::Tensor instances = present[s].nonzero().flatten();  // classes of this slice, ascending
    const torch::Tensor block = table[s].index_select(1, instances).contiguous();
    const auto* values = block.const_data_ptr<double>();
    const auto rows = cheapest_rows({values, values + block.numel()}, queries, instances.size(0));
    for (int64_t i = 0; i < instances.size(0); ++i) {
      const int64_t query = rows[static_cast<size_t>(i)];
      if (query < 0) {
        ++pairs.unmatched;
        continue;
      }
      slices.push_back(s);
      chosen.push_back(query);
      labels.push_back(instances[i].item<int64_t>());
    }
  }
  const auto on_device = [&](const std::vector<int64_t>& list) {
    return torch::tensor(list, torch::kInt64).to(costs.device());
  };
  pairs.slice = on_device(slices);
  pairs.query = on_device(chosen);
  pairs.label = on_device(labels);
  return pairs;
}

Pairs match_by_class(const SliceTargets& targets) {
  const torch::Tensor found = targets.present.nonzero();  // [M, 2]: slice, class
  Pairs pairs;
  pairs.slice = found.select(1, 0);
  pairs.query = pairs.label = found.select(1, 1);
  return pairs;
}

}  // namespace lamina::set_match
