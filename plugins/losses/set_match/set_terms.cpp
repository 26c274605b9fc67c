// Cross-entropy and Dice of masks.
#include "set_terms.hpp"

#include <torch/utils.h>

namespace lamina::set_match {
namespace {

constexpr double kSmooth = 1, kTiny = 1e-6;

torch::Tensor dice_of(const torch::Tensor& both, const torch::Tensor& predicted, const torch::Tensor& target) {
  return 1 - (2 * both + kSmooth) / (predicted + target + kSmooth);
}

}  // namespace

MaskTerms pair_terms(const torch::Tensor& logits, const torch::Tensor& targets, const torch::Tensor& counted) {
  const torch::Tensor entropy = at::softplus(logits) - logits * targets, probability = logits.sigmoid();
  if (!counted.defined()) {
    return {entropy.mean(1), dice_of((probability * targets).sum(1), probability.sum(1), targets.sum(1))};
  }
  const torch::Tensor bce = (entropy * counted).sum(1) / counted.sum(1).clamp_min(kTiny);
  const torch::Tensor truth = targets * counted;
  return {bce, dice_of((probability * truth).sum(1), (probability * counted).sum(1), truth.sum(1))};
}

MaskTerms matrix_terms(const torch::Tensor& logits, const torch::Tensor& targets, const torch::Tensor& counted) {
  torch::Tensor truth = targets, each = at::softplus(logits), probability = logits.sigmoid();
  torch::Tensor pixels = torch::full({1, 1, 1}, logits.size(2), logits.options());
  if (counted.defined()) {
    const torch::Tensor weight = counted.unsqueeze(1);  // [S, 1, P]
    truth = truth * weight;
    each = each * weight;
    pixels = weight.sum(2, true).clamp_min(kTiny);
  }
  const torch::Tensor transposed = truth.transpose(1, 2);  // [S, P, K]
  const torch::Tensor both = probability.bmm(transposed);  // [S, Q, K]
  const torch::Tensor bce = (each.sum(2, true) - logits.bmm(transposed)) / pixels;
  if (counted.defined()) probability = probability * counted.unsqueeze(1);
  return {bce, dice_of(both, probability.sum(2, true), truth.sum(2).unsqueeze(1))};
}

torch::Tensor resized(const torch::Tensor& maps, int64_t height, int64_t width) {
  if (maps.size(2) == height && maps.size(3) == width) return maps;
  return at::upsample_bilinear2d(maps, {height, width}, false);
}

}  // namespace lamina::set_match
