#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/sam_decoder.hpp>
#include <lamina/nn/shape_check.hpp>
#include <lamina/segment/image_frame.hpp>

#include <algorithm>

#include <torch/utils.h>

namespace lamina {
namespace {

using nn::kAny;

std::array<int64_t, 2> fitted(int64_t height, int64_t width, int64_t square) {
  const double scale = static_cast<double>(square) / static_cast<double>(std::max(height, width));
  const auto side = [&](int64_t length) {
    return std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(length) * scale + 0.5));
  };
  return {side(height), side(width)};
}

torch::Tensor channels(const std::array<double, 3>& values) {
  return torch::tensor(at::ArrayRef<double>(values), torch::kFloat32).view({3, 1, 1});
}

}  // namespace

ImageFrame::ImageFrame(int64_t height, int64_t width, int64_t square)
    : height_(height), width_(width), square_(square), inside_{} {
  if (height < 1 || width < 1 || square < 1)
    throw Error(text("an image of ", height, " x ", width, " pixels cannot fill a square of ", square));
  inside_ = fitted(height, width, square);
}

torch::Tensor ImageFrame::image(const torch::Tensor& rgb, const PixelNorm& norm) const {
  nn::require_shape(rgb, {3, height_, width_}, "an image (red, green, blue)");
  const torch::Tensor pixels = resize_bytes(rgb, inside_[0], inside_[1]).to(torch::kFloat32);
  const torch::Tensor normal = (pixels - channels(norm.mean)) / channels(norm.std);
  return at::constant_pad_nd(normal, {0, square_ - inside_[1], 0, square_ - inside_[0]})
      .view({1, 3, 1, square_, square_});
}

torch::Tensor ImageFrame::positions(const torch::Tensor& xy) const {
  const double x = static_cast<double>(inside_[1]) / static_cast<double>(width_);
  const double y = static_cast<double>(inside_[0]) / static_cast<double>(height_);
  return (xy.to(torch::kFloat64) * torch::tensor({x, y}, torch::kFloat64)).to(torch::kFloat32);
}

torch::Tensor ImageFrame::masks(const torch::Tensor& low_res) const {
  nn::require_shape(low_res, {kAny, kAny, kAny, kAny}, "masks over the square");
  const torch::Tensor whole = nn::resize_masks(low_res, square_, square_);
  const torch::Tensor cut = whole.slice(2, 0, inside_[0]).slice(3, 0, inside_[1]);
  return nn::resize_masks(cut, height_, width_);
}

torch::Tensor ImageFrame::mask_prompt(const torch::Tensor& mask, int64_t cells, double strength) const {
  nn::require_shape(mask, {height_, width_}, "a mask prompt");
  const torch::Tensor bytes = mask.to(torch::kBool).to(torch::kUInt8).mul(255).unsqueeze(0);
  const ImageFrame small(height_, width_, cells);
  const torch::Tensor inside = resize_bytes(bytes, small.inside_[0], small.inside_[1]) > 127;
  torch::Tensor logits = torch::full({1, 1, cells, cells}, -strength);
  logits[0][0].slice(0, 0, small.inside_[0]).slice(1, 0, small.inside_[1]).masked_fill_(inside[0], strength);
  return logits;
}

}  // namespace lamina
