// Which slice each prompt belongs to, and what a leading axis of prompts is made of.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/data/prompts.hpp>
#include <lamina/nn/site.hpp>

#include <cstdint>

#include <torch/types.h>

namespace lamina {

/// The axes of N prompts over `batch` x `depth` slices, image_index [N] (int64, on `device`) filled in. Without any
/// prompt there is one query per slice; with `spec.queries` the order is (batch, depth, queries); otherwise prompts are
/// ragged (axes.queries 0) and name their slices. Error when the number of prompts is another, or ragged prompts name
/// none.
LAMINA_API Axes prompt_rows(const Prompts& prompts, const PromptSpec& spec, int64_t batch, int64_t depth,
                            torch::Device device);

}  // namespace lamina
