// What liblamina_cuda.so offers: the operations that have a device kernel of their own. Knows neither torch nor CUDA's
// headers, so that both sides can read it. All pointers are the device's; tensors are contiguous; a stream is a
// cudaStream_t. Functions that return text say what went wrong; null: nothing.
#pragma once

namespace lamina::cuda {

enum class Number { Float32, BFloat16 };

/// Attention with decomposed relative position, see lamina/nn/attention.hpp.
/// Queries are the top left area of the grid, all tokens are keys. C = heads * head_width, reach = 2h-1 + 2w-1.
struct AttentionCall {
  Number type;
  long images, height, width, heads, head_width, area_height, area_width;
  const void* qkv;        ///< [images, height, width, 3 C]
  const float* products;  ///< [images, heads, queries, reach]: q . table * log2(e), along the height first, keys from
                          ///< near to far
  void* result;           ///< [images, queries, C]
  float* log_sum;         ///< [images, heads, queries]: log2 of the sum of exponentials, for the backward pass
};

struct AttentionGradientCall {
  AttentionCall forward;    ///< as it was, with what it wrote
  const void* grad_result;  ///< [images, queries, C]
  const float* delta;       ///< [images, heads, queries]: grad_result . result
  void* grad_qkv;           ///< [images, height, width, 3 C]: the parts of keys and values are written
  float* grad_queries;      ///< [images, heads, queries, head_width]: what comes through q . k
  float* grad_products;     ///< [images, heads, queries, reach]: of q . table; zeros on entry
};

/// Depthwise 3D convolution of odd kernel, padded to the same size, on channels-last volumes.
struct DepthConvCall {
  Number type;
  long volumes, depth, height, width, channels;
  int kernel[3];        ///< along depth, height, width
  const void* input;    ///< [volumes, depth, height, width, channels]
  const float* weight;  ///< [taps, channels]
  const float* bias;    ///< [channels], or null
  void* output;         ///< as the input
};

/// Gradient of the weight, in parts to be added up: parts[p][tap][channel].
struct DepthConvWeightCall {
  DepthConvCall forward;  ///< weight, bias and output are not looked at
  const void* grad_output;
  long parts;
  float* grad_weight;  ///< [parts, taps, channels]
};

struct DeviceKernels {
  /// Whether this device can, within its shared memory.
  bool (*attention_fits)(const AttentionCall& call, bool gradients);
  const char* (*attention)(const AttentionCall& call, void* stream);
  const char* (*attention_gradient)(const AttentionGradientCall& call, void* stream);
  const char* (*depth_conv)(const DepthConvCall& call, void* stream);
  const char* (*depth_conv_weight)(const DepthConvWeightCall& call, void* stream);
};

}  // namespace lamina::cuda

/// The library's one symbol.
extern "C" const lamina::cuda::DeviceKernels* lamina_device_kernels_1();
