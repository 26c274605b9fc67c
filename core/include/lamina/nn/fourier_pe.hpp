// SAM's positional encoding: sines and cosines of random projections of (x, y).
#pragma once

#include <lamina/base/export.hpp>

#include <array>
#include <cstdint>

#include <torch/nn/module.h>
#include <torch/types.h>

namespace lamina::nn {

/// As segment-anything's PositionEmbeddingRandom: f = 2 pi (2 (x, y) - 1) G, encoding [sin f, cos f]. The matrix G
/// [2, C/2] is a buffer, "positional_encoding_gaussian_matrix", drawn from N(0, 1).
class LAMINA_API FourierPe : public torch::nn::Module {
 public:
  /// `channels` must be even.
  explicit FourierPe(int64_t channels);
  /// Positions (x, y), where 0..1 spans the frame: [..., 2] -> [..., C].
  torch::Tensor encode(const torch::Tensor& positions) const;
  /// Centres of a grid's cells: [h, w, C]. `frame`: how many cells (y, x) positions 0..1 span; larger than the grid
  /// when the grid is the corner of a larger one.
  torch::Tensor grid(const std::array<int64_t, 2>& size, const std::array<double, 2>& frame) const;

 private:
  torch::Tensor matrix_;
};

}  // namespace lamina::nn
