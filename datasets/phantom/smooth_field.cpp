// Cubic B-splines with random control points.
#include "smooth_field.hpp"

#include <algorithm>

namespace lamina::phantom {
namespace {

struct Weights {
  int first;
  std::array<double, 4> weight;
};

Weights spline(double position, int cells) {
  const double scaled = std::clamp(position, 0.0, 1.0) * cells;
  const int first = std::min(static_cast<int>(scaled), cells - 1);
  const double t = scaled - first, s = 1 - t;
  return {first,
          {s * s * s / 6, (3 * t * t * t - 6 * t * t + 4) / 6, (3 * s * s * s - 6 * s * s + 4) / 6, t * t * t / 6}};
}

}  // namespace

SmoothField::SmoothField(std::array<int, 3> cells, int components, Random random)
    : cells_(cells), components_(components) {
  size_t count = static_cast<size_t>(components);
  for (size_t axis = 0; axis < 3; ++axis) {
    cells_[axis] = std::max(1, cells[axis]);
    points_[axis] = cells_[axis] + 3;
    count *= static_cast<size_t>(points_[axis]);
  }
  control_.resize(count);
  for (auto& value : control_) value = random.uniform(-1, 1);
}

SmoothField::Row::Row(const SmoothField& field, double z, double y)
    : points_(field.points_[2]), cells_(field.cells_[2]) {
  const Weights in_z = spline(z, field.cells_[0]), in_y = spline(y, field.cells_[1]);
  control_.assign(static_cast<size_t>(field.components_ * points_), 0.0);
  for (int component = 0; component < field.components_; ++component) {
    double* row = control_.data() + component * points_;
    for (int i = 0; i < 4; ++i) {
      for (int j = 0; j < 4; ++j) {
        const double weight = in_z.weight[static_cast<size_t>(i)] * in_y.weight[static_cast<size_t>(j)];
        const size_t line =
            static_cast<size_t>((component * field.points_[0] + in_z.first + i) * field.points_[1] + in_y.first + j);
        const double* from = field.control_.data() + line * static_cast<size_t>(points_);
        for (int x = 0; x < points_; ++x) row[x] += weight * from[x];
      }
    }
  }
}

double SmoothField::Row::at(double x, int component) const {
  const Weights in_x = spline(x, cells_);
  const double* row = control_.data() + component * points_ + in_x.first;
  return in_x.weight[0] * row[0] + in_x.weight[1] * row[1] + in_x.weight[2] * row[2] + in_x.weight[3] * row[3];
}

}  // namespace lamina::phantom
