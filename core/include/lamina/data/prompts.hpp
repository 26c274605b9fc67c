// N prompts over the B*D slices of a batch. Undefined tensors mean "none"; positions are (x, y) pixels of the patch.
#pragma once

#include <lamina/data/tensors.hpp>

#include <cstdint>
#include <set>

namespace lamina {

enum class PromptKind { Points, Boxes, Masks, Sparse, Dense, ClassTokens, Guidance };
using PromptKinds = std::set<PromptKind>;

/// What a prompter makes.
struct PromptSpec {
  PromptKinds kinds;
  int64_t queries = 0;  ///< per slice; 0: ragged, each prompt names its slice
};

struct Guidance {
  torch::Tensor attention_bias;  ///< [N, 1, 1, g*g]
  torch::Tensor semantic;        ///< [N, 1, E]
};

struct Prompts {
  torch::Tensor image_index;              ///< [N] slice of each prompt, ascending. Regular case: N = B*D*Q ordered (b, d, q)
  torch::Tensor class_id;                 ///< [N] class asked for, -1 unknown
  torch::Tensor points, point_labels;     ///< [N, P, 2], [N, P] (-1 pads)
  torch::Tensor boxes;                    ///< [N, 4] x1 y1 x2 y2
  torch::Tensor mask_logits;              ///< [N, 1, 4g, 4g]
  torch::Tensor sparse, dense;            ///< ready embeddings: [N, S, E], [N, E, g, g]
  torch::Tensor class_tokens;             ///< [N, 1, E], added to the classifier token
  bool class_tokens_alone = false;        ///< they replace the decoder's own classifier token instead
  Guidance guidance;
  bool multimask = false;                 ///< M = 1 or the decoder's several
};

}  // namespace lamina
