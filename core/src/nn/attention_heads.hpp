// Attention by the processor's own kernels (attention_panel), head by head, without a history.
#pragma once

#include "nn/attention_panel/panel.hpp"

#include <lamina/nn/attention.hpp>

namespace lamina::nn {

/// A tensor of tokens and the windows that cut it: rows of windows from the top left on, the last ones may reach
/// beyond.
struct WindowSizes {
  int64_t images, height, width;  ///< of the tensor
  int64_t heads, head_width;
  QueryArea window;  ///< the tensor's own size where nothing is cut
  QueryArea area;    ///< of the tensor: tokens that ask

  int64_t channels() const { return heads * head_width; }
  bool reach_beyond() const { return height % window.height != 0 || width % window.width != 0; }
};

struct HeadTensors {
  torch::Tensor qkv;      ///< [N, height, width, 3C], contiguous, of the kernel's type
  torch::Tensor outside;  ///< [3C]: every token that a window has and the tensor has not; undefined where there is none
  torch::Tensor by_height, by_width;  ///< tables in float32, contiguous
};

struct HeadResult {
  torch::Tensor result;  ///< [N, area.height, area.width, C], of the kernel's type
  torch::Tensor normal;  ///< [N, heads, queries of all windows]; undefined unless asked for
};

struct HeadGradients {
  torch::Tensor qkv, outside, by_height, by_width;  ///< the first of the kernel's type, the others float32
};

HeadResult attend_heads(const panel::Kernel& kernel, const HeadTensors& tensors, const WindowSizes& sizes, bool keep);

/// The same bits with any timing of the threads.
HeadGradients differentiate_heads(const panel::Kernel& kernel, const HeadTensors& tensors, const WindowSizes& sizes,
                                  const HeadResult& forward, const torch::Tensor& grad_result);

}  // namespace lamina::nn
