// Convolutions whose kernel equals their stride, on channels-last rows: a linear map per pixel, without a sliding
// window. Between a cell and its 2x2 children nothing overlaps, so the children need not lie side by side in memory: a
// level of resolution is an axis of 4 (y, x) behind the cell's own axes, and only one-channel images are ever brought
// in order.
#pragma once

#include <lamina/base/export.hpp>

#include <cstdint>

#include <torch/nn/module.h>
#include <torch/types.h>

namespace lamina::nn {

/// Conv2d with kernel and stride 2: [..., 4, in] -> [..., out]. "weight" [out, in, 2, 2], "bias" [out].
class LAMINA_API MergePixels : public torch::nn::Module {
 public:
  MergePixels(int64_t in, int64_t out);
  torch::Tensor forward(const torch::Tensor& children);

 private:
  torch::Tensor weight_, bias_;
};

/// ConvTranspose2d with kernel and stride 2: [..., in] -> [..., 4, out]. "weight" [in, out, 2, 2], "bias" [out].
class LAMINA_API SplitPixels : public torch::nn::Module {
 public:
  SplitPixels(int64_t in, int64_t out);
  torch::Tensor forward(const torch::Tensor& cells);

 private:
  torch::Tensor weight_, bias_;
};

/// Conv2d with kernel 1: [..., in] -> [..., out]. "weight" [out, in, 1, 1], "bias" [out].
class LAMINA_API MapPixels : public torch::nn::Module {
 public:
  MapPixels(int64_t in, int64_t out);
  torch::Tensor forward(const torch::Tensor& pixels);

 private:
  torch::Tensor weight_, bias_;
};

/// An image as cells and their children: [N, h * 2^levels, w * 2^levels] -> [N, h, w, 4^levels], coarsest level
/// slowest.
LAMINA_API torch::Tensor cells_of(const torch::Tensor& image, int64_t levels);
/// The reverse: [N, h, w, 4^levels] -> [N, h * 2^levels, w * 2^levels].
LAMINA_API torch::Tensor image_of(const torch::Tensor& cells, int64_t levels);

}  // namespace lamina::nn
