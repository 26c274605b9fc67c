// Cross-entropy plus soft Dice with deep supervision, as nnU-Net computes it.
#include "dice_ce.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/fold.hpp>
#include <lamina/nn/shape_check.hpp>
#include <lamina/objective/label_check.hpp>

#include <algorithm>
#include <numeric>

#include <torch/utils.h>

namespace lamina {
namespace {

constexpr int64_t kNotCounted = -100;  // torch's own word for "leave this voxel out"

// Labels [B, 1, D, H, W] at the size of coarser logits; each coarse voxel takes the label at its centre.
torch::Tensor resize_labels(const torch::Tensor& labels, const torch::Tensor& logits) {
  const auto size = logits.sizes().slice(2);
  if (labels.sizes().slice(2) == size) return labels;
  return at::_upsample_nearest_exact3d(labels.to(torch::kFloat32), size).to(torch::kInt64);
}

}  // namespace

void DiceCeOptions::bind(OptionBinder& o) {
  o.field("weight_ce", weight_ce, "Weight of the cross-entropy", AtLeast{0});
  o.field("weight_dice", weight_dice, "Weight of the Dice term, which is minus the mean soft Dice", AtLeast{0});
  o.field("smooth", smooth, "Added to the numerator and the denominator of Dice", AtLeast{0});
  o.field("batch_dice", batch_dice, "Dice over the whole batch as one volume instead of per sample");
  o.field("background", background, "Count the background as a class of Dice");
  o.field("squared", squared, "Squares in Dice's denominator, as SAMed, MA-SAM and H-SAM have them");
  o.field(
      "resolution", resolution,
      "Where the finest output is compared: on the patch's voxels, or on the decoder's own masks with labels thinned "
      "to their size, as SAMed trains",
      OneOf{"image", "low_res"});
  o.field("deep_supervision", deep_supervision,
          "Weight of each resolution, finest first, scaled to sum 1. Empty: 1, 1/2, 1/4, ..., the lowest 0",
          AtLeast{0});
  o.field("finest_start", finest_start,
          "Weight of the finest output in the first epoch, 0.6 in H-SAM: in epoch e it is finest_start to the power of "
          "finest_growth^e, and the others share what is left to 1. none: deep_supervision says",
          Range{0.001, 1});
  o.field("finest_growth", finest_growth, "The smaller, the sooner the finest output alone counts", Range{0, 1});
}

void DiceCeOptions::check(OptionErrors& errors, const std::string& where) const {
  if (weight_ce == 0 && weight_dice == 0)
    errors.add(where + ".weight_ce", "is 0, and so is weight_dice: nothing is left to train on");
  if (!deep_supervision.empty() && std::accumulate(deep_supervision.begin(), deep_supervision.end(), 0.0) <= 0) {
    errors.add(where + ".deep_supervision", "all weights are 0: nothing is left to train on");
  }
  if (finest_start && !deep_supervision.empty())
    errors.add(where + ".finest_start", "makes the weights of the resolutions; leave out deep_supervision");
}

DiceCe::DiceCe(const Options& options, const LossSetup& setup) : options_(options), setup_(setup) {
  if (setup.classes >= 2 || options.background) return;
  throw ConfigError(text("loss: 'dice_ce' leaves the background out, and the dataset has only ", setup.classes,
                         " class; set \"background\": true"));
}

std::vector<double> DiceCe::weights(size_t outputs, int64_t epoch) const {
  std::vector<double> result = options_.deep_supervision;
  if (outputs == 1) return {1.0};
  if (options_.finest_start) {
    const double finest =
        std::pow(*options_.finest_start, std::pow(options_.finest_growth, static_cast<double>(epoch)));
    result.assign(outputs, (1 - finest) / static_cast<double>(outputs - 1));
    result.front() = finest;
    return result;
  }
  if (result.empty()) {
    for (size_t i = 0; i < outputs; ++i)
      result.push_back(i + 1 < outputs ? std::pow(0.5, static_cast<double>(i)) : 0.0);
  }
  if (result.size() != outputs) {
    throw ConfigError(text("loss.deep_supervision: has ", result.size(), " weights, but the decoder predicts at ",
                           outputs, " resolutions"));
  }
  const double sum = std::accumulate(result.begin(), result.end(), 0.0);
  for (double& weight : result) weight /= sum;
  return result;
}

torch::Tensor DiceCe::dice(const torch::Tensor& probabilities, const torch::Tensor& target,
                           const torch::Tensor& counted, const LossContext& context) const {
  // probabilities [B, K, N], target [B, N], counted [B, N] or undefined
  torch::Tensor truth = torch::zeros_like(probabilities).scatter_(1, target.unsqueeze(1), 1.0);
  torch::Tensor predicted = probabilities;
  if (counted.defined()) {
    const torch::Tensor mask = counted.unsqueeze(1);
    truth = truth * mask;
    predicted = predicted * mask;
  }
  const torch::Tensor spread = options_.squared ? predicted.square() : predicted;
  torch::Tensor both = (predicted * truth).sum(2), size = (spread.sum(2) + truth.sum(2));  // [B, K]
  if (!options_.background) {
    both = both.narrow(1, 1, both.size(1) - 1);
    size = size.narrow(1, 1, size.size(1) - 1);
  }
  if (options_.batch_dice) {
    both = both.sum(0);
    size = size.sum(0);
    if (context.all_reduce) {
      both = context.all_reduce(both);
      size = context.all_reduce(size);
    }
  }
  return -((2 * both + options_.smooth) / (size + options_.smooth).clamp_min(1e-8)).mean();
}

// The masks of a decoder that makes one per class and slice: [B*D, K, h, w] -> [B, K, D, h, w].
torch::Tensor DiceCe::logits_of(const Output& output, const torch::Tensor& labels) const {
  if (options_.resolution == "image") return output.classes;
  const int64_t batch = labels.size(0), depth = labels.size(2);
  const torch::Tensor& masks = output.low_res;
  if (masks.defined() && masks.size(0) == batch * depth && masks.size(1) == setup_.classes)
    return nn::unfold_depth(masks, batch, depth);
  throw ConfigError(
      "loss.resolution: low_res compares a decoder's own masks, one per class and slice; this decoder makes none. "
      "Expected one such as 'sam_mask' with \"mask_tokens\": \"per_class\", or the resolution image");
}

DiceCe::Parts DiceCe::at_resolution(const torch::Tensor& classes, const torch::Tensor& labels,
                                    const LossContext& context) const {
  const torch::Tensor logits = classes.flatten(2).to(torch::kFloat32);  // [B, K, N]
  const torch::Tensor all = resize_labels(labels, classes).flatten(1);  // [B, N]
  torch::Tensor target = all, counted;
  if (setup_.ignore) {
    counted = all.ne(*setup_.ignore);
    target = all.where(counted, torch::zeros_like(all));
  }
  const torch::Tensor log_probabilities = at::log_softmax(logits, 1);
  const torch::Tensor ce_target = counted.defined() ? all.where(counted, torch::full_like(all, kNotCounted)) : target;
  const bool anything = !counted.defined() || counted.any().item<bool>();
  const torch::Tensor ce =
      anything ? at::nll_loss_nd(log_probabilities, ce_target, {}, at::Reduction::Mean, kNotCounted) : logits.sum() * 0;
  return {ce, dice(log_probabilities.exp(), target, counted, context)};
}

std::vector<LossTerm> DiceCe::compute(const Prediction& prediction, const Batch& batch, const LossContext& context) {
  Parts total;
  for (const auto& [stream, output] : prediction.outputs) {
    const torch::Tensor labels = batch.labels.at(stream);
    if (output.scale != Scale::Logits)
      throw ConfigError("loss: 'dice_ce' takes logits; this decoder makes probabilities or scores");
    nn::require_shape(output.classes, {labels.size(0), setup_.classes, nn::kAny, nn::kAny, nn::kAny},
                      "dice_ce: the predicted classes");
    require_known_labels(labels, batch, setup_);
    const auto scales = weights(1 + output.stages.size(), context.epoch);
    for (size_t i = 0; i < scales.size(); ++i) {
      if (scales[i] == 0) continue;
      const Parts parts =
          at_resolution(i == 0 ? logits_of(output, labels) : output.stages[i - 1].classes, labels, context);
      total.ce = total.ce.defined() ? total.ce + scales[i] * parts.ce : scales[i] * parts.ce;
      total.dice = total.dice.defined() ? total.dice + scales[i] * parts.dice : scales[i] * parts.dice;
    }
  }
  return {{"ce", total.ce, options_.weight_ce}, {"dice", total.dice, options_.weight_dice}};
}

}  // namespace lamina
