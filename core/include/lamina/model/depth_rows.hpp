// The slices of a case among the rows of a network that works on slices.
#pragma once

#include <lamina/base/export.hpp>
#include <lamina/model/adapter.hpp>
#include <lamina/nn/site.hpp>

#include <array>

#include <torch/nn/modules/conv.h>

namespace lamina {

/// ConfigError where prompts differ in number from slice to slice: there is no depth axis then.
LAMINA_API void require_depth_axis(const HostInfo& host);

/// Error where a grid's or token list's input has not the rows that the call's axes promise, or they have no depth
/// axis.
LAMINA_API void require_depth_rows(const torch::Tensor& input, const SiteCall& call);

/// Rows of the leading axis are ordered (batch, depth, queries, windows). Brings depth beside height and width, every
/// query and window with itself on other slices: [B*D*Q*W, h, w, C] -> [B*Q*W, D, h, w, C], a view.
LAMINA_API torch::Tensor depth_beside_plane(const torch::Tensor& grid, const Axes& axes);
/// [B*Q*W, D, h, w, C] -> [B*D*Q*W, h, w, C].
LAMINA_API torch::Tensor depth_back(const torch::Tensor& volume, const Axes& axes);

/// A convolution of as many channels as before with an odd kernel (depth, height, width); zeros lie beyond the border,
/// so the size stays. `depthwise`: one kernel per channel.
LAMINA_API torch::nn::Conv3d make_depth_conv(int64_t channels, const std::array<int64_t, 3>& kernel, bool depthwise);
/// It on [N, D, h, w, C], whose layout it keeps: torch's channels-last convolution is several times faster on the CPU.
LAMINA_API torch::Tensor convolve_depth(const torch::nn::Conv3d& conv, const torch::Tensor& volume);

}  // namespace lamina
