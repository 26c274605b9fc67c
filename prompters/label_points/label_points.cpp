// Points on what the label shows in each slice, and rounds of clicks where the decoder's mask is wrong.
#include "label_points.hpp"

#include "clicks.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/model/mask_prompt_size.hpp>
#include <lamina/nn/best_masks.hpp>
#include <lamina/nn/sam_decoder.hpp>

#include <algorithm>

#include <torch/utils.h>

namespace lamina {
namespace {

constexpr const char* kName = "label_points";
constexpr int kFirst = -1;  // the round before the rounds of clicks

// Points [N, P, 2] and labels [N, P] under construction; what is not set stays "no point".
struct PointTable {
  PointTable(int64_t prompts, int64_t count)
      : points(torch::zeros({prompts, count, 2})), labels(torch::full({prompts, count}, -1, torch::kInt64)) {}

  void put(int64_t row, int64_t column, const std::vector<Pixel>& pixels, int64_t label) {
    for (const Pixel& pixel : pixels) {
      points[row][column][0] = static_cast<float>(pixel.x);
      points[row][column][1] = static_cast<float>(pixel.y);
      labels[row][column++] = label;
    }
  }

  torch::Tensor points, labels;
};

// [B, 1, D, H, W] -> [B*D, H, W].
torch::Tensor slices_of(const torch::Tensor& labels) { return labels.squeeze(1).flatten(0, 1); }

torch::Tensor counted_pixels(const torch::Tensor& label, const Batch& batch) {
  return batch.ignore ? label.ne(*batch.ignore) : torch::ones_like(label, torch::kBool);
}

// What lies around an object but is not of its class: within its box, grown by half its width and height to each side.
torch::Tensor surroundings(const torch::Tensor& label, const LabelObject& object) {
  const Region& box = object.region;
  constexpr int64_t kLeast = 2;  // pixels, so that a single pixel has surroundings too
  const int64_t dx = std::max(kLeast, (box.right - box.left + 1) / 2);
  const int64_t dy = std::max(kLeast, (box.bottom - box.top + 1) / 2);
  torch::Tensor near = torch::zeros_like(label, torch::kBool);
  near.slice(0, std::max<int64_t>(box.top - dy, 0), box.bottom + dy + 1)
      .slice(1, std::max<int64_t>(box.left - dx, 0), box.right + dx + 1)
      .fill_(true);
  return near.logical_and(label.ne(object.class_id));
}

}  // namespace

void LabelPointsOptions::bind(OptionBinder& o) {
  o.field("classes", classes, "Labels that get points; empty: every class but the background", AtLeast{1});
  o.field("positive", positive, "Points on each class in a slice", Range{1, 64});
  o.field("negative", negative, "Points beside it, within its box grown by half its width and height", Range{0, 64});
  o.field("where", where,
          "random: drawn evenly while training, at prediction as centre; centre: each point as far as possible from "
          "everything outside and from those before it",
          OneOf{"centre", "random"});
  o.field("min_area", min_area, "Pixels; what is smaller gets no points", AtLeast{1});
  o.field("rounds", rounds, "Clicks that follow: one point each in the largest region where the mask is wrong",
          Range{0, 32});
  o.field("feed_logits", feed_logits, "Every round but the first sees the mask before it as a mask prompt, as logits");
  o.field("multimask", multimask,
          "Ask for several masks before the first click, where the decoder can make them; the one of best predicted "
          "quality goes on");
}

LabelPoints::LabelPoints(const Options& options, const PrompterContext& context)
    : options_(options),
      rules_{foreground_classes(options.classes, context.classes, "model.prompter.classes"), false, options.min_area},
      mask_size_(mask_prompt_size(context.features, context.patch)) {}

PromptSpec LabelPoints::produces() const {
  PromptSpec spec{{PromptKind::Points}, 0};
  if (options_.rounds > 0 && options_.feed_logits) spec.kinds.insert(PromptKind::Masks);
  return spec;
}

// A stream for each prompt and round, so that its points do not depend on what else is in the patch.
std::optional<Random> LabelPoints::draws(const Target& target, int64_t depth, int round, const std::string& stream,
                                         const Scene& scene) const {
  if (!scene.training() || options_.where == "centre") return std::nullopt;
  const Random random = scene.random(target.slice / depth).fork(kName).fork(stream);
  return random.fork(target.slice % depth).fork(target.class_id).fork(static_cast<uint64_t>(round - kFirst));
}

Prompts LabelPoints::points_of(const std::string& stream, const Scene& scene) const {
  const torch::Tensor labels = labels_for(kName, scene.batch(), stream);
  const torch::Tensor slices = slices_of(labels);
  const std::vector<LabelObject> objects = label_objects(labels, {}, rules_);
  PointTable table(std::ssize(objects), options_.positive + options_.negative);
  std::vector<int64_t> index, classes;
  for (const LabelObject& object : objects) {
    const torch::Tensor label = slices[object.slice];
    const int64_t row = std::ssize(index);
    const std::optional<Random> random = draws({object.slice, object.class_id}, labels.size(2), kFirst, stream, scene);
    const std::optional<Random> other = random ? std::optional(random->fork("negative")) : std::nullopt;
    const torch::Tensor beside = surroundings(label, object).logical_and(counted_pixels(label, scene.batch()));
    table.put(row, 0, label_points::pixels_in(label.eq(object.class_id), options_.positive, random), 1);
    table.put(row, options_.positive, label_points::pixels_in(beside, options_.negative, other), 0);
    index.push_back(object.slice);
    classes.push_back(object.class_id);
  }
  const torch::Device device = scene.batch().images.at(stream).device();
  Prompts prompts;
  prompts.image_index = torch::tensor(index, torch::kInt64).to(device);
  prompts.class_id = torch::tensor(classes, torch::kInt64).to(device);
  prompts.points = table.points.to(device);
  prompts.point_labels = table.labels.to(device);
  prompts.multimask = options_.multimask;
  return prompts;
}

Streams<Prompts> LabelPoints::prompt(Scene& scene) {
  Streams<Prompts> prompts;
  for (const auto& [stream, image] : scene.batch().images) prompts.set(stream, points_of(stream, scene));
  return prompts;
}

Prompts LabelPoints::clicked(const Prompts& before, const Output& output, int round, const std::string& stream,
                             const Scene& scene) const {
  const int64_t count = before.image_index.size(0);
  if (count == 0) return before;
  if (!output.low_res.defined() || output.low_res.size(0) != count)
    throw Error(text("'label_points' with rounds looks at the decoder's mask of each prompt, but there are ",
                     output.low_res.defined() ? output.low_res.size(0) : 0, " masks for ", count,
                     " prompts; set model.prompter.rounds to 0, or use a decoder as 'sam_mask'"));
  const torch::Tensor labels = labels_for(kName, scene.batch(), stream), slices = slices_of(labels);
  const torch::Tensor best = nn::best_masks(output.low_res, output.quality).to(torch::kFloat32);  // [N, 1, h, w]
  const torch::Tensor masks =
      nn::resize_masks(best.detach(), labels.size(3), labels.size(4)).gt(0).squeeze(1).cpu();  // [N, H, W]
  const torch::Tensor index = before.image_index.cpu(), classes = before.class_id.cpu();
  PointTable click(count, 1);
  for (int64_t row = 0; row < count; ++row) {
    const Target target{index[row].item<int64_t>(), classes[row].item<int64_t>()};
    const torch::Tensor label = slices[target.slice];
    const auto mistake =
        label_points::largest_mistake(label.eq(target.class_id), masks[row], counted_pixels(label, scene.batch()));
    if (!mistake) continue;
    const auto random = draws(target, labels.size(2), round, stream, scene);
    click.put(row, 0, label_points::pixels_in(mistake->mask, 1, random), mistake->missed ? 1 : 0);
  }
  Prompts next = before;
  next.points = torch::cat({before.points, click.points.to(before.points.device())}, 1);
  next.point_labels = torch::cat({before.point_labels, click.labels.to(before.point_labels.device())}, 1);
  next.multimask = false;  // with a second point the prompt is not ambiguous any more
  if (options_.feed_logits)
    next.mask_logits = mask_size_ ? nn::resize_masks(best, (*mask_size_)[0], (*mask_size_)[1]) : best;
  return next;
}

std::optional<Streams<Prompts>> LabelPoints::refine(const Streams<Prompts>& prompts, const Prediction& prediction,
                                                    int round, Scene& scene) {
  if (round >= options_.rounds) return std::nullopt;
  Streams<Prompts> next;
  bool any = false;  // without a single prompt there is nothing to click on
  for (const auto& [stream, before] : prompts) {
    any = any || before.image_index.size(0) > 0;
    next.set(stream, clicked(before, prediction.outputs.at(stream), round, stream, scene));
  }
  return any ? std::optional(std::move(next)) : std::nullopt;
}

}  // namespace lamina
