// Two passes, along x and then along y, each a weighted sum of neighbours that is rounded to bytes.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/segment/image_frame.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include <torch/utils.h>

namespace lamina {
namespace {

constexpr int kBits = 22;  // of the weights' fractions

struct Taps {
  int64_t first = 0;
  std::vector<int32_t> weights;
};

/// For each output pixel, which input pixels it is made of.
std::vector<Taps> taps_of(int64_t input, int64_t output) {
  const double scale = static_cast<double>(input) / static_cast<double>(output), reach = std::max(scale, 1.0);
  const double step = 1.0 / reach;
  std::vector<Taps> all;
  for (int64_t at = 0; at < output; ++at) {
    const double centre = (static_cast<double>(at) + 0.5) * scale;
    Taps taps;
    taps.first = std::max<int64_t>(0, static_cast<int64_t>(centre - reach + 0.5));
    const int64_t end = std::min(input, static_cast<int64_t>(centre + reach + 0.5));
    std::vector<double> shares;
    double sum = 0;
    for (int64_t i = taps.first; i < end; ++i) {
      const double distance = std::abs((static_cast<double>(i) - centre + 0.5) * step);
      shares.push_back(std::max(0.0, 1 - distance));
      sum += shares.back();
    }
    for (const double share : shares) {
      taps.weights.push_back(static_cast<int32_t>(0.5 + share / sum * (1 << kBits)));
    }
    all.push_back(std::move(taps));
  }
  return all;
}

uint8_t to_byte(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kBits, 0, 255)); }

/// [C, H, W] -> [C, H, width]
torch::Tensor resize_rows(const torch::Tensor& pixels, int64_t width) {
  const auto taps = taps_of(pixels.size(2), width);
  torch::Tensor result = torch::empty({pixels.size(0), pixels.size(1), width}, torch::kUInt8);
  const uint8_t* in = pixels.data_ptr<uint8_t>();
  uint8_t* out = result.data_ptr<uint8_t>();
  for (int64_t row = 0; row < pixels.size(0) * pixels.size(1); ++row, in += pixels.size(2)) {
    for (const auto& tap : taps) {
      int32_t sum = 1 << (kBits - 1);
      for (size_t i = 0; i < tap.weights.size(); ++i) sum += tap.weights[i] * in[static_cast<size_t>(tap.first) + i];
      *out++ = to_byte(sum);
    }
  }
  return result;
}

/// [C, H, W] -> [C, height, W]; whole rows at a time.
torch::Tensor resize_columns(const torch::Tensor& pixels, int64_t height) {
  const auto taps = taps_of(pixels.size(1), height);
  const auto width = static_cast<size_t>(pixels.size(2));
  torch::Tensor result = torch::empty({pixels.size(0), height, pixels.size(2)}, torch::kUInt8);
  uint8_t* out = result.data_ptr<uint8_t>();
  std::vector<int32_t> sums(width);
  for (int64_t channel = 0; channel < pixels.size(0); ++channel) {
    for (const auto& tap : taps) {
      std::fill(sums.begin(), sums.end(), 1 << (kBits - 1));
      const uint8_t* in = pixels.data_ptr<uint8_t>() + (channel * pixels.size(1) + tap.first) * pixels.size(2);
      for (const int32_t weight : tap.weights) {
        for (size_t x = 0; x < width; ++x) sums[x] += weight * in[x];
        in += width;
      }
      out = std::transform(sums.begin(), sums.end(), out, to_byte);
    }
  }
  return result;
}

}  // namespace

torch::Tensor resize_bytes(const torch::Tensor& pixels, int64_t height, int64_t width) {
  if (pixels.dim() != 3 || pixels.scalar_type() != torch::kUInt8 || pixels.numel() == 0 || height < 1 || width < 1) {
    throw Error(text("an image to resize to ", height, " x ", width, " must be bytes [C, H, W]; got ",
                     pixels.dtype().name(), " of shape [", join(pixels.sizes()), "]"));
  }
  torch::Tensor result = pixels.cpu().contiguous();
  if (width != result.size(2)) result = resize_rows(result, width);
  if (height != result.size(1)) result = resize_columns(result, height);
  return result;
}

}  // namespace lamina
