#include <lamina/nn/conv_block.hpp>
#include <lamina/nn/mlp.hpp>

#include <torch/utils.h>

namespace lamina::nn {

Mlp::Mlp(int64_t in, int64_t hidden, int64_t out, int64_t layers) {
  std::vector<std::shared_ptr<torch::nn::Module>> children;
  for (int64_t i = 0; i < layers; ++i) {
    const bool last = i + 1 == layers;
    layers_.push_back(torch::nn::Linear(i == 0 ? in : hidden, last ? out : hidden));
    children.push_back(layers_.back().ptr());
  }
  register_module("layers", make_list(children));
}

torch::Tensor Mlp::forward(torch::Tensor input) {
  for (size_t i = 0; i < layers_.size(); ++i) {
    input = layers_[i]->forward(input);
    if (i + 1 < layers_.size()) input = at::relu(input);
  }
  return input;
}

}  // namespace lamina::nn
