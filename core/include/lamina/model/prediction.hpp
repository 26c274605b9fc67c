// What a decoder hands on.
#pragma once

#include <lamina/base/streams.hpp>
#include <lamina/data/tensors.hpp>

#include <vector>

namespace lamina {

/// Tells the predictor how to average.
enum class Scale { Logits, Probabilities, Scores };

struct Output {
  torch::Tensor classes;                    ///< [B, K, D, H, W]: every decoder must fill it; metrics read only this
  Scale scale = Scale::Logits;
  torch::Tensor low_res, quality;           ///< [N, M, 4g, 4g], [N, M] predicted IoU
  torch::Tensor query_masks, query_classes; ///< mask classification: [N, H, W], [N, K+1]
  torch::Tensor image_index;                ///< [N]
  std::vector<Output> stages;               ///< earlier stages, or deep supervision: next finer first, coarsest last
};

struct Prediction {
  Streams<Output> outputs;
  std::vector<Streams<Output>> rounds;      ///< before the last refine, oldest first
  TensorDict aux;                           ///< named tensors offered to losses, reports and `forward`
};

}  // namespace lamina
