#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/nn/shape_check.hpp>
#include <lamina/segment/rle.hpp>

#include <numeric>

#include <torch/utils.h>

namespace lamina {

Rle encode_rle(const torch::Tensor& mask) {
  nn::require_shape(mask, {nn::kAny, nn::kAny}, "a mask to encode");
  const torch::Tensor columns = mask.to(torch::kBool).cpu().t().contiguous();
  const bool* pixel = columns.data_ptr<bool>();
  Rle rle{mask.size(0), mask.size(1), {}};
  bool inside = false;
  int64_t run = 0;
  for (int64_t i = 0; i < columns.numel(); ++i) {
    if (pixel[i] != inside) {
      rle.counts.push_back(run);
      run = 0;
      inside = !inside;
    }
    ++run;
  }
  rle.counts.push_back(run);
  return rle;
}

torch::Tensor decode_rle(const Rle& rle) {
  const int64_t total = std::accumulate(rle.counts.begin(), rle.counts.end(), int64_t{0});
  if (rle.height < 0 || rle.width < 0 || total != rle.height * rle.width) {
    throw Error(text("runs of ", total, " pixels cannot be a mask of ", rle.height, " x ", rle.width));
  }
  torch::Tensor columns = torch::zeros({rle.width, rle.height}, torch::kBool);
  bool* pixel = columns.data_ptr<bool>();
  bool inside = false;
  for (const int64_t run : rle.counts) {
    if (run < 0) throw Error(text("a run of ", run, " pixels; expected 0 or more"));
    std::fill_n(pixel, run, inside);
    pixel += run;
    inside = !inside;
  }
  return columns.t().contiguous();
}

int64_t area_of(const Rle& rle) {
  int64_t area = 0;
  for (size_t i = 1; i < rle.counts.size(); i += 2) area += rle.counts[i];
  return area;
}

}  // namespace lamina
