// Boxes around what the label shows in each slice.
#include "label_box.hpp"

#include <algorithm>

#include <torch/utils.h>

namespace lamina {
namespace {

// Inside the image, upper left corner first.
std::array<double, 4> in_order(std::array<double, 4> box, int64_t height, int64_t width) {
  for (size_t i = 0; i < 4; ++i)
    box[i] = std::clamp(box[i], 0.0, static_cast<double>((i % 2 == 0 ? width : height) - 1));
  return {std::min(box[0], box[2]), std::min(box[1], box[3]), std::max(box[0], box[2]), std::max(box[1], box[3])};
}

}  // namespace

void LabelBoxOptions::bind(OptionBinder& o) {
  o.field("classes", classes, "Labels that get boxes; empty: every class but the background", AtLeast{1});
  o.field("per", per,
          "class: one box around all of a class in a slice; instance: one around each of its instances, or of its "
          "connected components where the dataset knows no instances",
          OneOf{"class", "instance"});
  o.field("min_area", min_area, "Pixels; smaller structures get no box", AtLeast{1});
  o.field("margin", margin, "Pixels by which a box is wider than its structure on every side", AtLeast{0});
  o.field("jitter", jitter, "Largest shift of each side of a box, drawn evenly to both directions", AtLeast{0});
  o.field("jitter_unit", jitter_unit, "What jitter counts: pixels, or side: shares of the structure's width and height",
          OneOf{"pixels", "side"});
  o.field("jitter_at_prediction", jitter_at_prediction, "Shift boxes at prediction too, not only while training");
}

void LabelBoxOptions::check(OptionErrors& errors, const std::string& where) const {
  if (jitter_unit == "side" && jitter > 1)
    errors.add(where + ".jitter", "is more than 1, and jitter_unit is side; expected a share of a side, as 0.1");
  if (jitter_at_prediction && jitter == 0)
    errors.add(where + ".jitter_at_prediction", "has no meaning while jitter is 0");
}

LabelBox::LabelBox(const Options& options, const PrompterContext& context)
    : options_(options),
      rules_{foreground_classes(options.classes, context.classes, "model.prompter.classes"), options.per == "instance",
             options.min_area} {}

LabelBox::Corners LabelBox::moved(Corners box, const Region& region, Random random) const {
  const bool share = options_.jitter_unit == "side";
  const std::array<int64_t, 2> sides{region.right - region.left + 1, region.bottom - region.top + 1};
  for (size_t i = 0; i < 4; ++i) {
    const double reach = options_.jitter * (share ? static_cast<double>(sides[i % 2]) : 1.0);
    box[i] += random.uniform(-reach, reach);
  }
  return box;
}

Prompts LabelBox::boxes_of(const std::string& stream, const Scene& scene) const {
  const Batch& batch = scene.batch();
  const torch::Tensor labels = labels_for("label_box", batch, stream);  // [B, 1, D, H, W]
  const torch::Tensor instances = batch.instances.contains(stream) ? batch.instances.at(stream) : torch::Tensor();
  const int64_t depth = labels.size(2), height = labels.size(3), width = labels.size(4);
  const bool jitter = options_.jitter > 0 && (scene.training() || options_.jitter_at_prediction);
  std::vector<int64_t> slices, classes;
  std::vector<double> corners;
  for (const auto& [slice, class_id, region] : label_objects(labels, instances, rules_)) {
    const double margin = options_.margin;
    Corners box{static_cast<double>(region.left) - margin, static_cast<double>(region.top) - margin,
                static_cast<double>(region.right) + margin, static_cast<double>(region.bottom) + margin};
    if (jitter) {
      // A stream for each box, so that its shift does not depend on what else is in the patch.
      const Random random = scene.random(slice / depth).fork("label_box").fork(stream);
      box = moved(box, region, random.fork(slice % depth).fork(class_id).fork(region.number));
    }
    box = in_order(box, height, width);
    corners.insert(corners.end(), box.begin(), box.end());
    slices.push_back(slice);
    classes.push_back(class_id);
  }
  const torch::Device device = batch.images.at(stream).device();
  Prompts prompts;
  prompts.image_index = torch::tensor(slices, torch::kInt64).to(device);
  prompts.class_id = torch::tensor(classes, torch::kInt64).to(device);
  prompts.boxes = torch::tensor(corners, torch::kFloat32).view({std::ssize(slices), 4}).to(device);
  return prompts;
}

Streams<Prompts> LabelBox::prompt(Scene& scene) {
  Streams<Prompts> prompts;
  for (const auto& [stream, image] : scene.batch().images) prompts.set(stream, boxes_of(stream, scene));
  return prompts;
}

}  // namespace lamina
