#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/fourier_pe.hpp>

#include <numbers>

#include <torch/utils.h>

namespace lamina::nn {

FourierPe::FourierPe(int64_t channels) {
  if (channels < 2 || channels % 2 != 0)
    throw Error(text("a Fourier encoding has one sine per cosine, so ", channels,
                     " channels are not possible; expected an even number"));
  matrix_ = register_buffer("positional_encoding_gaussian_matrix", torch::randn({2, channels / 2}));
}

torch::Tensor FourierPe::encode(const torch::Tensor& positions) const {
  const torch::Tensor centred = 2 * positions - 1;
  // Products and a sum instead of a matrix product: autocast would round that to 8 bits, and the angles are large.
  const torch::Tensor projected =
      centred.select(-1, 0).unsqueeze(-1) * matrix_[0] + centred.select(-1, 1).unsqueeze(-1) * matrix_[1];
  const torch::Tensor angle = 2 * std::numbers::pi * projected;
  return at::cat({at::sin(angle), at::cos(angle)}, -1);
}

torch::Tensor FourierPe::grid(const std::array<int64_t, 2>& size, const std::array<double, 2>& frame) const {
  const auto options = matrix_.options();
  const torch::Tensor y = (torch::arange(size[0], options) + 0.5) / frame[0];
  const torch::Tensor x = (torch::arange(size[1], options) + 0.5) / frame[1];
  const auto cells = torch::meshgrid({y, x}, "ij");
  return encode(at::stack({cells[1], cells[0]}, -1));
}

}  // namespace lamina::nn
