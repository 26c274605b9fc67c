// Percentiles and masks that normalisations share.
#include "statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <ATen/ATen.h>

namespace lamina::normalizing {

double quantile(const torch::Tensor& values, double share) {
  const auto flat = values.to(at::kFloat).contiguous();
  std::vector<float> sorted(flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel());
  const double position = share * static_cast<double>(sorted.size() - 1);
  const auto low = sorted.begin() + static_cast<int64_t>(position);
  std::nth_element(sorted.begin(), low, sorted.end());
  const double fraction = position - std::floor(position);
  if (fraction == 0) return *low;
  return *low + fraction * (static_cast<double>(*std::min_element(low + 1, sorted.end())) - *low);
}

Moments moments(const torch::Tensor& values) {
  const auto flat = values.to(at::kFloat).contiguous();
  const float* data = flat.data_ptr<float>();
  const auto count = static_cast<double>(flat.numel());
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < flat.numel(); ++i) sum += data[i];
  const double mean = sum / count;
  for (int64_t i = 0; i < flat.numel(); ++i) squares += (data[i] - mean) * (data[i] - mean);
  return {mean, std::sqrt(squares / count)};
}

namespace {

/// Spreads from background voxels on the border through background voxels.
class Flood {
 public:
  explicit Flood(const torch::Tensor& mask)
      : size_{mask.size(0), mask.size(1), mask.size(2)}, mask_(mask.data_ptr<bool>()), outside_(at::zeros_like(mask)) {}

  torch::Tensor run() {
    for (int64_t z = 0; z < size_[0]; ++z) {
      for (int64_t y = 0; y < size_[1]; ++y) {
        const bool border = z == 0 || y == 0 || z == size_[0] - 1 || y == size_[1] - 1;
        const int64_t step = border ? 1 : std::max<int64_t>(1, size_[2] - 1);
        for (int64_t x = 0; x < size_[2]; x += step) spread_from(z, y, x);
      }
    }
    return outside_;
  }

 private:
  void visit(int64_t z, int64_t y, int64_t x) {
    if (z < 0 || y < 0 || x < 0 || z >= size_[0] || y >= size_[1] || x >= size_[2]) return;
    const int64_t index = (z * size_[1] + y) * size_[2] + x;
    bool& outside = outside_.data_ptr<bool>()[index];
    if (mask_[index] || outside) return;
    outside = true;
    waiting_.push_back(index);
  }

  void spread_from(int64_t z, int64_t y, int64_t x) {
    visit(z, y, x);
    while (!waiting_.empty()) {
      const int64_t index = waiting_.back();
      waiting_.pop_back();
      const int64_t column = index % size_[2], row = index / size_[2] % size_[1], slice = index / size_[2] / size_[1];
      visit(slice - 1, row, column), visit(slice + 1, row, column);
      visit(slice, row - 1, column), visit(slice, row + 1, column);
      visit(slice, row, column - 1), visit(slice, row, column + 1);
    }
  }

  std::array<int64_t, 3> size_;
  const bool* mask_;
  torch::Tensor outside_;
  std::vector<int64_t> waiting_;
};

}  // namespace

torch::Tensor nonzero_mask(const torch::Tensor& image) {
  const auto mask = image.ne(0).any(0).contiguous();
  return Flood(mask).run().logical_not();
}

}  // namespace lamina::normalizing
