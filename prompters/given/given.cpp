// Hands on the prompts that come with the batch: the user's own points, boxes and masks.
#include "given.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/data/prompt_rows.hpp>
#include <lamina/model/mask_prompt_size.hpp>
#include <lamina/nn/shape_check.hpp>

#include <algorithm>

#include <torch/utils.h>

namespace lamina {
namespace {

using nn::kAny;

bool holds(const torch::Tensor& condition) { return condition.all().item<bool>(); }

void require_finite(const torch::Tensor& tensor, const char* what) {
  if (!holds(tensor.isfinite())) throw Error(text(what, ": some values are not finite; expected numbers"));
}

void check_points(const Prompts& prompts, int64_t count) {
  if (!prompts.points.defined() && !prompts.point_labels.defined()) return;
  if (!prompts.points.defined() || !prompts.point_labels.defined())
    throw Error("given points need both points [N, P, 2] and point_labels [N, P]; one of them is missing");
  nn::require_shape(prompts.points, {count, kAny, 2}, "given points (x, y)");
  nn::require_shape(prompts.point_labels, {count, prompts.points.size(1)}, "given point_labels");
  require_finite(prompts.points, "given points");
  const torch::Tensor& labels = prompts.point_labels;
  if (!holds(labels.eq(-1).logical_or(labels.eq(0)).logical_or(labels.eq(1))))
    throw Error("given point_labels: expected 1 (object), 0 (background) or -1 (no point)");
}

void check_boxes(const torch::Tensor& boxes, int64_t count) {
  if (!boxes.defined()) return;
  nn::require_shape(boxes, {count, 4}, "given boxes (x1, y1, x2, y2)");
  require_finite(boxes, "given boxes");
  if (!holds(boxes.slice(1, 2, 4).ge(boxes.slice(1, 0, 2))))
    throw Error("given boxes: some have x2 < x1 or y2 < y1; expected (x1, y1, x2, y2), upper left corner first");
}

// Which kinds of prompts there are, by the words of the option.
std::vector<std::string> kinds_in(const Prompts& prompts) {
  std::vector<std::string> kinds;
  if (prompts.points.defined() || prompts.point_labels.defined()) kinds.emplace_back("points");
  if (prompts.boxes.defined()) kinds.emplace_back("boxes");
  if (prompts.mask_logits.defined()) kinds.emplace_back("masks");
  return kinds;
}

int64_t count_of(const Prompts& prompts) {
  for (const auto* tensor : {&prompts.image_index, &prompts.points, &prompts.boxes, &prompts.mask_logits}) {
    if (tensor->defined() && tensor->dim() > 0) return tensor->size(0);
  }
  return 0;
}

}  // namespace

void GivenOptions::bind(OptionBinder& o) {
  o.field("kinds", kinds, "Kinds of prompts that may come", OneOf{"points", "boxes", "masks"});
  o.field("queries", queries,
          "Prompts on every slice, ordered (case, slice, query); 0: any number, each names its slice by image_index",
          AtLeast{0});
  o.field("multimask", multimask, "Ask for several masks per prompt where the decoder can make them");
}

void GivenOptions::check(OptionErrors& errors, const std::string& where) const {
  if (kinds.empty()) errors.add(where + ".kinds", "is empty; the prompter 'none' makes no prompts");
}

Given::Given(const Options& options, const PrompterContext& context)
    : options_(options), classes_(context.classes), mask_size_(mask_prompt_size(context.features, context.patch)) {}

PromptSpec Given::produces() const {
  PromptSpec spec;
  spec.queries = options_.queries;
  for (const auto& kind : options_.kinds)
    spec.kinds.insert(kind == "points" ? PromptKind::Points : kind == "boxes" ? PromptKind::Boxes : PromptKind::Masks);
  return spec;
}

void Given::check_index(const Prompts& prompts, int64_t slices) const {
  const int64_t count = prompts.image_index.size(0);
  nn::require_shape(prompts.image_index, {count}, "given image_index");
  const torch::Tensor index = prompts.image_index;
  if (count > 0 && (index.min().item<int64_t>() < 0 || index.max().item<int64_t>() >= slices)) {
    throw Error(text("given image_index goes from ", index.min().item<int64_t>(), " to ", index.max().item<int64_t>(),
                     "; expected slices from 0 to ", slices - 1));
  }
  if (count > 1 && !holds(index.slice(0, 1).ge(index.slice(0, 0, -1))))
    throw Error("given image_index: expected ascending slices; sort the prompts by slice");
  if (options_.queries > 0 &&
      !at::equal(index, at::arange(slices, index.options()).repeat_interleave(options_.queries)))
    throw Error(text("given image_index: expected every slice ", options_.queries,
                     " times in order, as model.prompter.queries says; leave image_index out to get that"));
  if (!prompts.class_id.defined()) return;
  nn::require_shape(prompts.class_id, {count}, "given class_id");
  if (!holds(prompts.class_id.ge(-1).logical_and(prompts.class_id.lt(classes_))))
    throw Error(text("given class_id: expected labels below ", classes_, ", or -1 for unknown"));
}

Prompts Given::checked(Prompts prompts, const torch::Tensor& image) const {
  const std::vector<std::string> kinds = kinds_in(prompts);
  if (kinds.empty())
    throw Error("the prompter 'given' found no prompts; expected points, boxes or masks beside the image");
  for (const auto& kind : kinds) {
    if (std::find(options_.kinds.begin(), options_.kinds.end(), kind) == options_.kinds.end())
      throw Error(text(kind, " are given, but model.prompter.kinds announces ", join(options_.kinds), "; add ", kind));
  }
  const int64_t slices = image.size(0) * image.size(2), count = count_of(prompts);
  check_points(prompts, count);
  check_boxes(prompts.boxes, count);
  if (prompts.mask_logits.defined()) {
    const auto size = mask_size_.value_or(std::array<int64_t, 2>{kAny, kAny});
    nn::require_shape(prompts.mask_logits, {count, 1, size[0], size[1]}, "given masks (logits, four pixels per cell)");
    require_finite(prompts.mask_logits, "given masks");
  }
  // A single image needs no index.
  if (!prompts.image_index.defined() && slices == 1 && options_.queries == 0)
    prompts.image_index = at::zeros({count}, torch::kInt64);
  const Axes rows = prompt_rows(prompts, produces(), image.size(0), image.size(2), image.device());
  if (!prompts.image_index.defined()) prompts.image_index = rows.image_index;
  prompts.image_index = prompts.image_index.to(rows.image_index.options());
  check_index(prompts, slices);
  prompts.multimask = prompts.multimask || options_.multimask;
  return prompts;
}

Streams<Prompts> Given::prompt(Scene& scene) {
  Streams<Prompts> prompts;
  for (const auto& [stream, image] : scene.batch().images) {
    const auto& given = scene.batch().prompts;
    prompts.set(stream, checked(given.contains(stream) ? given.at(stream) : Prompts{}, image));
  }
  return prompts;
}

}  // namespace lamina
