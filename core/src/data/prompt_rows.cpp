#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/data/prompt_rows.hpp>

#include <torch/types.h>

namespace lamina {
namespace {

// Rows of the first tensor that is there; -1 when there are no prompts.
int64_t rows_of(const Prompts& prompts) {
  for (const auto* tensor : {&prompts.image_index, &prompts.points, &prompts.boxes, &prompts.mask_logits,
                             &prompts.sparse, &prompts.dense, &prompts.class_tokens}) {
    if (tensor->defined()) return tensor->size(0);
  }
  return -1;
}

}  // namespace

Axes prompt_rows(const Prompts& prompts, const PromptSpec& spec, int64_t batch, int64_t depth, torch::Device device) {
  Axes axes;
  axes.batch = batch;
  axes.depth = depth;
  const int64_t slices = batch * depth, rows = rows_of(prompts);
  axes.queries = spec.queries > 0 ? spec.queries : rows < 0 ? 1 : 0;
  const auto options = torch::dtype(torch::kInt64).device(device);
  if (axes.queries > 0) {
    if (rows >= 0 && rows != slices * axes.queries) {
      throw Error(text("there are ", rows, " prompts; expected ", axes.queries, " on each of the ", slices, " slices, ",
                       slices * axes.queries, " in all"));
    }
    axes.image_index = at::arange(slices, options).repeat_interleave(axes.queries);
    return axes;
  }
  if (!prompts.image_index.defined()) {
    throw Error(text("there are ", rows, " prompts, but none says to which of the ", slices,
                     " slices it belongs; expected image_index with one entry per prompt"));
  }
  axes.image_index = prompts.image_index.to(options);
  return axes;
}

}  // namespace lamina
