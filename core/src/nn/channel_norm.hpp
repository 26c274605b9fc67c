// Rows of channels: the arithmetic of instance normalisation where channels lie side by side in memory.
#pragma once

#include <cstdint>

namespace lamina::nn::channel_norm {

/// [batch, rows, channels] in memory; a row is a voxel. Channels come in groups of kGroup.
struct Extent {
  int64_t batch, rows, channels;
};

constexpr int64_t kGroup = 8;

/// What one sample's channels are normalised with, and what follows: y = leaky((x - mean) * rstd * weight + bias).
/// mean and rstd: [batch, channels]; weight and bias: [channels]. A slope of 1 is no activation.
struct Terms {
  const float *mean, *rstd, *weight, *bias;
  float slope;
};

/// Mean and 1 / sqrt(variance + eps) of every sample's channels. Sums are taken in parts of a fixed size and joined in
/// order, so that the number of threads changes no bit.
void measure(const float* input, const Extent& extent, double eps, float* mean, float* rstd);
void forward(const float* input, const Extent& extent, const Terms& terms, float* output);
/// Gradients of input [batch, rows, channels], and of weight and bias [channels].
void backward(const float* input, const float* grad_output, const Extent& extent, const Terms& terms, float* grad_input,
              float* grad_weight, float* grad_bias);

}  // namespace lamina::nn::channel_norm
