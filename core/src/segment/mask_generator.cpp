#include "boxes_nms.hpp"
#include "crops.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/shape_check.hpp>
#include <lamina/segment/mask_generator.hpp>

#include <algorithm>
#include <iterator>
#include <limits>

#include <torch/utils.h>

namespace lamina {
namespace {

using segment::Crop;

constexpr int64_t kAtATime = 16;  // masks that are brought to the image's size together

struct Candidate {
  FoundMask found;
  bool cleaned = false;
};

/// [N, 4]: x1, y1, x2, y2 of the first and last pixels.
torch::Tensor corners_of(const std::vector<Candidate>& candidates) {
  torch::Tensor corners = torch::empty({std::ssize(candidates), 4}, torch::kInt64);
  int64_t* at = corners.data_ptr<int64_t>();
  for (const auto& candidate : candidates) {
    const auto& [x, y, width, height] = candidate.found.box;
    for (const int64_t value : {x, y, x + width, y + height}) *at++ = value;
  }
  return corners;
}

std::vector<Candidate> chosen(std::vector<Candidate>& candidates, const std::vector<int64_t>& indices) {
  std::vector<Candidate> result;
  for (const int64_t i : indices) result.push_back(std::move(candidates[static_cast<size_t>(i)]));
  return result;
}

/// Candidates that do not overlap a better one by `score`.
template <class Score>
std::vector<Candidate> best_of(std::vector<Candidate> candidates, double overlap, const Score& score) {
  std::vector<double> scores;
  for (const auto& candidate : candidates) scores.push_back(score(candidate));
  const auto kept =
      segment::non_maximum_suppression(corners_of(candidates), torch::tensor(scores, torch::kFloat64), overlap);
  return chosen(candidates, kept);
}

class Generator {
 public:
  Generator(Predictor& predictor, const torch::Tensor& rgb, const MaskGeneratorOptions& options,
            const GeneratorProgress& progress)
      : predictor_(predictor), rgb_(rgb), options_(options), progress_(progress) {}

  std::vector<FoundMask> run() {
    const auto crops = segment::crops_of(rgb_.size(1), rgb_.size(2), options_);
    for (const auto& crop : crops) total_ += segment::points_of(crop, options_).size(0);
    tell(0);
    std::vector<Candidate> all;
    for (const auto& crop : crops) {
      auto found = best_of(masks_of(crop), options_.overlap, [](const auto& c) { return c.found.quality; });
      std::move(found.begin(), found.end(), std::back_inserter(all));
    }
    if (crops.size() > 1) {
      // Smaller crops see finer.
      all = best_of(std::move(all), options_.crop_nms,
                    [](const auto& c) { return 1.0 / static_cast<double>(c.found.crop[2] * c.found.crop[3]); });
    }
    if (options_.min_area > 0) all = cleaned(std::move(all));
    std::vector<FoundMask> result;
    for (auto& candidate : all) result.push_back(std::move(candidate.found));
    return result;
  }

 private:
  void tell(int64_t more) {
    done_ += more;
    if (progress_) progress_(done_, total_);
  }

  std::vector<Candidate> masks_of(const Crop& crop) {
    const auto& [x1, y1, x2, y2] = crop.box;
    predictor_.set_image(rgb_.slice(1, y1, y2).slice(2, x1, x2));
    std::vector<Candidate> all;
    for (const auto& points : segment::points_of(crop, options_).split(options_.batch)) {
      ask(crop, points, all);
      tell(points.size(0));
    }
    return all;
  }

  /// points [n, 2] of the crop: three masks each, of which the promising ones are brought to the crop's size.
  void ask(const Crop& crop, const torch::Tensor& points, std::vector<Candidate>& all) {
    Prompts prompts;
    prompts.points = points.unsqueeze(1);
    prompts.point_labels = torch::ones({points.size(0), 1}, torch::kInt64);
    prompts.multimask = true;
    const PromptedMasks masks = predictor_.predict_low_res(prompts);
    const torch::Tensor quality = masks.quality.flatten(), low_res = masks.low_res.flatten(0, 1);
    const double least = options_.quality > 0 ? options_.quality : -std::numeric_limits<double>::infinity();
    const torch::Tensor promising = (quality > least).nonzero().flatten();
    for (const auto& rows : promising.split(kAtATime)) {
      if (rows.numel() == 0) continue;
      const torch::Tensor logits = predictor_.frame().masks(low_res.index_select(0, rows).unsqueeze(1)).squeeze(1);
      keep_stable(crop, logits, quality.index_select(0, rows),
                  points.index_select(0, rows.div(masks.quality.size(1), "floor")), all);
    }
  }

  /// logits [n, h, w] over the crop.
  void keep_stable(const Crop& crop, const torch::Tensor& logits, const torch::Tensor& quality,
                   const torch::Tensor& points, std::vector<Candidate>& all) {
    const auto pixels_above = [&](double threshold) { return (logits > threshold).sum({1, 2}).to(torch::kFloat32); };
    const torch::Tensor stability = pixels_above(options_.stability_offset) / pixels_above(-options_.stability_offset);
    const torch::Tensor masks = logits > 0;
    const torch::Tensor shift = torch::tensor({crop.box[0], crop.box[1], crop.box[0], crop.box[1]}, torch::kInt64);
    const torch::Tensor corners = segment::boxes_of(masks) + shift;
    const torch::Tensor cut =
        segment::near_crop_edge(corners, torch::tensor(at::ArrayRef<int64_t>(crop.box), torch::kInt64),
                                torch::tensor({int64_t{0}, int64_t{0}, rgb_.size(2), rgb_.size(1)}, torch::kInt64));
    torch::Tensor good = cut.logical_not();
    if (options_.stability > 0) good = good.logical_and(stability >= options_.stability);
    for (int64_t row = 0; row < masks.size(0); ++row) {
      if (!good[row].item<bool>()) continue;
      Candidate candidate{found_mask(whole(crop, masks[row]))};
      FoundMask& found = candidate.found;
      found.quality = quality[row].item<double>();
      found.stability = stability[row].item<double>();
      found.point = {points[row][0].item<double>() + static_cast<double>(crop.box[0]),
                     points[row][1].item<double>() + static_cast<double>(crop.box[1])};
      found.crop = {crop.box[0], crop.box[1], crop.box[2] - crop.box[0], crop.box[3] - crop.box[1]};
      all.push_back(std::move(candidate));
    }
  }

  torch::Tensor whole(const Crop& crop, const torch::Tensor& mask) const {
    if (mask.size(0) == rgb_.size(1) && mask.size(1) == rgb_.size(2)) return mask;
    torch::Tensor result = torch::zeros({rgb_.size(1), rgb_.size(2)}, torch::kBool);
    result.slice(0, crop.box[1], crop.box[3]).slice(1, crop.box[0], crop.box[2]).copy_(mask);
    return result;
  }

  /// Without small holes and islands; what was clean before is preferred among masks that are now alike.
  std::vector<Candidate> cleaned(std::vector<Candidate> candidates) const {
    for (auto& candidate : candidates) {
      torch::Tensor mask = decode_rle(candidate.found.mask);
      candidate.cleaned = remove_small_regions(mask, options_.min_area);
      if (!candidate.cleaned) continue;
      const FoundMask clean = found_mask(mask);
      candidate.found.mask = clean.mask;
      candidate.found.box = clean.box;
      candidate.found.area = clean.area;
    }
    return best_of(std::move(candidates), std::max(options_.overlap, options_.crop_nms),
                   [](const auto& c) { return c.cleaned ? 0.0 : 1.0; });
  }

  Predictor& predictor_;
  const torch::Tensor rgb_;
  const MaskGeneratorOptions& options_;
  const GeneratorProgress& progress_;
  int64_t done_ = 0, total_ = 0;
};

}  // namespace

void MaskGeneratorOptions::bind(OptionBinder& o) {
  o.field("points", points, "Points along a side of the grid that is asked", Range{1, 1024});
  o.field("batch", batch, "Points that go through the decoder together", Range{1, 4096});
  o.field("quality", quality, "Least predicted IoU of a mask that stays; 0: any", Range{0.0, 1.0});
  o.field("stability", stability, "Least IoU of the mask with itself at thresholds apart; 0: any", Range{0.0, 1.0});
  o.field("stability_offset", stability_offset, "How far apart from 0 these thresholds are, in logits", AtLeast{0.0});
  o.field("overlap", overlap, "IoU of boxes above which the worse of two masks goes", Range{0.0, 1.0});
  o.field("crop_layers", crop_layers, "Layers of overlapping parts that are looked at as well: 4 parts, 16, ...",
          Range{0, 4});
  o.field("crop_downscale", crop_downscale, "Each layer has this many times fewer points along a side", Range{1, 16});
  o.field("crop_overlap", crop_overlap, "Overlap of the first layer's parts, as a share of the image's shorter side",
          Range{0.0, 0.9});
  o.field("crop_nms", crop_nms, "As overlap, between masks of different parts", Range{0.0, 1.0});
  o.field("min_area", min_area, "Holes and islands of fewer pixels are removed; 0: none", AtLeast{0});
}

FoundMask found_mask(const torch::Tensor& mask) {
  FoundMask found;
  found.mask = encode_rle(mask);
  found.area = area_of(found.mask);
  const torch::Tensor corners = segment::boxes_of(mask.unsqueeze(0))[0];
  const int64_t* c = corners.data_ptr<int64_t>();
  found.box = {c[0], c[1], c[2] - c[0], c[3] - c[1]};
  return found;
}

std::vector<FoundMask> generate_masks(Predictor& predictor, const torch::Tensor& rgb,
                                      const MaskGeneratorOptions& options, const GeneratorProgress& progress) {
  const torch::NoGradGuard no_grad;
  nn::require_shape(rgb, {3, nn::kAny, nn::kAny}, "an image (red, green, blue)");
  return Generator(predictor, rgb, options, progress).run();
}

}  // namespace lamina
