// Interpolation of whole volumes onto another number of voxels.
#include "interpolate.hpp"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace lamina::resampling {
namespace {

// Edges are repeated this often before the spline is fitted; the pole to this power is 1e-7 of the signal.
constexpr int64_t kPadding = 12;
constexpr int64_t kColumns = 256;  // filtered side by side, so that a block stays in the cache
const double kPole = std::sqrt(3.0) - 2;

/// Rows of `columns` values, the signal runs along the rows.
struct Block {
  int64_t rows, columns;
  std::vector<double> values;
  double* row(int64_t index) { return values.data() + index * columns; }
};

/// Samples to cubic B-spline coefficients, in place; half-sample symmetric boundaries.
void fit_spline(Block& block) {
  const double gain = (1 - kPole) * (1 - 1 / kPole);
  for (double& value : block.values) value *= gain;
  const auto add_scaled = [&](int64_t to, int64_t from) {
    double* target = block.row(to);
    const double* source = block.row(from);
    for (int64_t i = 0; i < block.columns; ++i) target[i] += kPole * source[i];
  };
  for (int64_t i = 0; i < block.columns; ++i) block.row(0)[i] /= 1 - kPole;  // as if the edge went on for ever
  for (int64_t row = 1; row < block.rows; ++row) add_scaled(row, row - 1);
  for (int64_t i = 0; i < block.columns; ++i) block.row(block.rows - 1)[i] *= kPole / (kPole - 1);
  for (int64_t row = block.rows - 2; row >= 0; --row) {
    double* here = block.row(row);
    const double* after = block.row(row + 1);
    for (int64_t i = 0; i < block.columns; ++i) here[i] = kPole * (after[i] - here[i]);
  }
}

std::array<double, 4> cubic_weights(double t) {
  const double u = 1 - t;
  return {u * u * u / 6, (4 - 6 * t * t + 3 * t * t * t) / 6, (4 - 6 * u * u + 3 * u * u * u) / 6, t * t * t / 6};
}

/// Columns [begin, begin + block.columns) of source [rows, total] to the same columns of target [to, total].
void resize_columns(const float* source, float* target, int64_t rows, int64_t to, int64_t total, int64_t begin,
                    Block& block) {
  for (int64_t row = 0; row < block.rows; ++row) {
    const float* from = source + std::clamp<int64_t>(row - kPadding, 0, rows - 1) * total + begin;
    std::copy(from, from + block.columns, block.row(row));
  }
  fit_spline(block);
  for (int64_t index = 0; index < to; ++index) {
    const double position = source_position(index, rows, to) + kPadding;
    const auto first = static_cast<int64_t>(std::floor(position));
    const auto w = cubic_weights(position - static_cast<double>(first));
    const double *a = block.row(first - 1), *b = block.row(first), *c = block.row(first + 1), *d = block.row(first + 2);
    float* out = target + index * total + begin;
    for (int64_t i = 0; i < block.columns; ++i) {
      out[i] = static_cast<float>(w[0] * a[i] + w[1] * b[i] + w[2] * c[i] + w[3] * d[i]);
    }
  }
}

torch::Tensor resize_axis(const torch::Tensor& image, int64_t axis, int64_t to) {
  const int64_t rows = image.size(axis);
  if (rows == to) return image;
  const auto source = image.movedim(axis, 0).contiguous();  // [rows, ...]
  auto shape = source.sizes().vec();
  const int64_t total = source.numel() / rows;
  shape[0] = to;
  auto target = at::empty(shape, source.options());
  const int64_t blocks = (total + kColumns - 1) / kColumns;
  at::parallel_for(0, blocks, 1, [&](int64_t from, int64_t until) {
    for (int64_t index = from; index < until; ++index) {
      const int64_t begin = index * kColumns, columns = std::min(kColumns, total - begin);
      Block block{rows + 2 * kPadding, columns, std::vector<double>((rows + 2 * kPadding) * columns)};
      resize_columns(source.data_ptr<float>(), target.data_ptr<float>(), rows, to, total, begin, block);
    }
  });
  return target.movedim(0, axis);
}

torch::Tensor indices(const Steps& steps) {
  std::vector<int64_t> low;
  for (const Step& step : steps) low.push_back(step.low);
  return at::tensor(low);
}

/// Corners of a cell with their weights; axes without a fraction add no corner.
struct Corners {
  std::array<int64_t, 8> offset{};
  std::array<double, 8> weight{};
  int count = 0;
};

/// The four (z, y) corners times the two of `x`.
Corners corners_of(const Step& z, const Step& y, const Step& x, int64_t height, int64_t width) {
  Corners corners;
  for (const bool high_z : {false, true}) {
    for (const bool high_y : {false, true}) {
      for (const bool high_x : {false, true}) {
        const double weight = (high_z ? z.weight : 1 - z.weight) * (high_y ? y.weight : 1 - y.weight) *
                              (high_x ? x.weight : 1 - x.weight);
        if (weight <= 0) continue;
        corners.offset[corners.count] =
            ((high_z ? z.high : z.low) * height + (high_y ? y.high : y.low)) * width + (high_x ? x.high : x.low);
        corners.weight[corners.count++] = weight;
      }
    }
  }
  return corners;
}

template <class T>
T vote(const T* labels, const Corners& corners, T nearest) {
  constexpr double kTie = 1e-9;
  T best = nearest;
  double best_score = 0;
  for (int i = 0; i < corners.count; ++i) {
    if (labels[corners.offset[i]] == nearest) best_score += corners.weight[i];
  }
  if (best_score >= 0.5) return nearest;
  for (int i = 0; i < corners.count; ++i) {
    const T candidate = labels[corners.offset[i]];
    double score = 0;
    for (int j = 0; j < corners.count; ++j) {
      if (labels[corners.offset[j]] == candidate) score += corners.weight[j];
    }
    if (score > best_score + kTie) best = candidate, best_score = score;
  }
  return best;
}

using AxisSteps = std::array<Steps, 3>;

template <class T>
void resize_label_rows(const T* source, T* target, const Size3& from, const AxisSteps& steps,
                       const AxisSteps& nearest) {
  const int64_t height = static_cast<int64_t>(steps[1].size()), width = static_cast<int64_t>(steps[2].size());
  at::parallel_for(0, static_cast<int64_t>(steps[0].size()) * height, 8, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t z = row / height, y = row % height;
      const T* nearest_row = source + (nearest[0][z].low * from[1] + nearest[1][y].low) * from[2];
      for (int64_t x = 0; x < width; ++x) {
        const Corners corners = corners_of(steps[0][z], steps[1][y], steps[2][x], from[1], from[2]);
        target[row * width + x] = vote(source, corners, nearest_row[nearest[2][x].low]);
      }
    }
  });
}

}  // namespace

torch::Tensor resize_cubic(const torch::Tensor& image, const Size3& to, std::optional<int> separate) {
  auto result = image;
  for (int axis = 0; axis < 3; ++axis) {
    if (axis != separate) result = resize_axis(result, axis, to[axis]);
  }
  if (!separate) return result.clamp(image.min(), image.max()).contiguous();
  std::vector<int64_t> plane;
  for (int axis = 0; axis < 3; ++axis) {
    if (axis != *separate) plane.push_back(axis);
  }
  result = result.clamp(image.amin(plane, true), image.amax(plane, true));
  if (image.size(*separate) == to[*separate]) return result.contiguous();
  return result.index_select(*separate, indices(nearest_steps(image.size(*separate), to[*separate]))).contiguous();
}

torch::Tensor resize_labels(const torch::Tensor& labels, const Size3& to, std::optional<int> separate) {
  const auto source = labels.contiguous();
  const Size3 from{source.size(0), source.size(1), source.size(2)};
  AxisSteps steps, nearest;
  for (int axis = 0; axis < 3; ++axis) {
    nearest[axis] = nearest_steps(from[axis], to[axis]);
    steps[axis] = axis == separate ? nearest[axis] : linear_steps(from[axis], to[axis]);
  }
  auto target = at::empty({to[0], to[1], to[2]}, source.options());
  AT_DISPATCH_INTEGRAL_TYPES(source.scalar_type(), "resize_labels", [&] {
    resize_label_rows(source.data_ptr<scalar_t>(), target.data_ptr<scalar_t>(), from, steps, nearest);
  });
  return target;
}

}  // namespace lamina::resampling
