// Between an image's own pixels and the square that SAM's encoder sees.
#pragma once

#include <lamina/base/export.hpp>

#include <array>
#include <cstdint>

#include <torch/types.h>

namespace lamina {

/// Grey levels are 0..255; the square's padding is 0 behind this.
struct PixelNorm {
  std::array<double, 3> mean{123.675, 116.28, 103.53}, std{58.395, 57.12, 57.375};  ///< R, G, B, as SAM was trained
};

/// The image's longer side becomes `square` pixels; the rest is padded on the right and below. As segment-anything's
/// ResizeLongestSide and Sam.preprocess, bytes included.
class LAMINA_API ImageFrame {
 public:
  ImageFrame() = default;
  /// Error where a side is shorter than 1.
  ImageFrame(int64_t height, int64_t width, int64_t square);

  int64_t height() const { return height_; }
  int64_t width() const { return width_; }
  int64_t square() const { return square_; }
  /// Height and width of the image inside the square.
  std::array<int64_t, 2> inside() const { return inside_; }

  /// rgb uint8 [3, H, W] -> float32 [1, 3, 1, S, S], normalised and padded.
  torch::Tensor image(const torch::Tensor& rgb, const PixelNorm& norm) const;
  /// Positions (x, y) of the image -> of the square, [..., 2].
  torch::Tensor positions(const torch::Tensor& xy) const;
  /// Masks over the square, [N, M, h, w] -> [N, M, H, W] over the image: bilinear to the square, cut, bilinear.
  torch::Tensor masks(const torch::Tensor& low_res) const;
  /// A mask of the image, bool [H, W] -> logits [1, 1, cells, cells] over the square, `strength` inside and -`strength`
  /// elsewhere: what a decoder takes as the mask of an earlier round.
  torch::Tensor mask_prompt(const torch::Tensor& mask, int64_t cells, double strength = 10) const;

 private:
  int64_t height_ = 0, width_ = 0, square_ = 0;
  std::array<int64_t, 2> inside_{};
};

/// Bytes [C, H, W] to [C, height, width]: bilinear, averaging where it shrinks, in the fixed-point arithmetic of Pillow
/// (which segment-anything resizes with), so that the bytes are the same. Rows before columns, as Pillow up to version
/// 12; from 13 on it shrinks the steeper axis first, which can change a byte by one.
LAMINA_API torch::Tensor resize_bytes(const torch::Tensor& pixels, int64_t height, int64_t width);

}  // namespace lamina
