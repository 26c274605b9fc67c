#include <lamina/nn/pixel_conv.hpp>

#include <cmath>

#include <torch/utils.h>

namespace lamina::nn {
namespace {

// Torch's own start of a convolution: uniform, with the weight's second axis and the kernel as fan-in.
void start(torch::Tensor weight, torch::Tensor bias) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(weight.size(1) * weight.size(2) * weight.size(3)));
  const torch::NoGradGuard no_grad;
  weight.uniform_(-bound, bound);
  bias.uniform_(-bound, bound);
}

}  // namespace

MergePixels::MergePixels(int64_t in, int64_t out)
    : weight_(register_parameter("weight", torch::empty({out, in, 2, 2}))),
      bias_(register_parameter("bias", torch::empty({out}))) {
  start(weight_, bias_);
}

torch::Tensor MergePixels::forward(const torch::Tensor& children) {
  const torch::Tensor map = weight_.permute({0, 2, 3, 1}).flatten(1);  // [out, 4*in]
  return at::linear(children.flatten(-2), map, bias_);
}

SplitPixels::SplitPixels(int64_t in, int64_t out)
    : weight_(register_parameter("weight", torch::empty({in, out, 2, 2}))),
      bias_(register_parameter("bias", torch::empty({out}))) {
  start(weight_, bias_);
}

torch::Tensor SplitPixels::forward(const torch::Tensor& cells) {
  const torch::Tensor map = weight_.permute({2, 3, 1, 0}).flatten(0, 2);  // [4*out, in]
  return at::linear(cells, map, bias_.repeat({4})).unflatten(-1, {4, bias_.size(0)});
}

MapPixels::MapPixels(int64_t in, int64_t out)
    : weight_(register_parameter("weight", torch::empty({out, in, 1, 1}))),
      bias_(register_parameter("bias", torch::empty({out}))) {
  start(weight_, bias_);
}

torch::Tensor MapPixels::forward(const torch::Tensor& pixels) { return at::linear(pixels, weight_.flatten(1), bias_); }

torch::Tensor cells_of(const torch::Tensor& image, int64_t levels) {
  const int64_t factor = int64_t{1} << levels, rows = image.size(0);
  std::vector<int64_t> shape{rows, image.size(1) / factor}, order{0, 1, 2 + levels};
  shape.insert(shape.end(), static_cast<size_t>(levels), 2);
  shape.push_back(image.size(2) / factor);
  shape.insert(shape.end(), static_cast<size_t>(levels), 2);
  for (int64_t level = 0; level < levels; ++level) {
    order.push_back(2 + level);
    order.push_back(3 + levels + level);
  }
  // [N, h, 2.., w, 2..] -> [N, h, w, (2, 2)..]
  return image.reshape(shape).permute(order).reshape({rows, shape[1], image.size(2) / factor, factor * factor});
}

torch::Tensor image_of(const torch::Tensor& cells, int64_t levels) {
  const int64_t factor = int64_t{1} << levels, rows = cells.size(0), height = cells.size(1), width = cells.size(2);
  std::vector<int64_t> shape{rows, height, width}, order{0, 1};
  shape.insert(shape.end(), static_cast<size_t>(2 * levels), 2);
  for (int64_t level = 0; level < levels; ++level) order.push_back(3 + 2 * level);
  order.push_back(2);
  for (int64_t level = 0; level < levels; ++level) order.push_back(4 + 2 * level);
  // [N, h, w, (2, 2)..] -> [N, h, 2.., w, 2..]
  return cells.reshape(shape).permute(order).reshape({rows, height * factor, width * factor});
}

}  // namespace lamina::nn
