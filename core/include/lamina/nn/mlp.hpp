// The plain perceptron of SAM's mask decoder.
#pragma once

#include <lamina/base/export.hpp>

#include <cstdint>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

namespace lamina::nn {

/// `layers` linear maps with ReLU between them, over the last axis: "layers.0.weight", ...
class LAMINA_API Mlp : public torch::nn::Module {
 public:
  Mlp(int64_t in, int64_t hidden, int64_t out, int64_t layers);
  torch::Tensor forward(torch::Tensor input);

 private:
  std::vector<torch::nn::Linear> layers_;
};

}  // namespace lamina::nn
