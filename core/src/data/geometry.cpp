// Index to patient space and back.
#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/data/geometry.hpp>

#include <algorithm>
#include <cmath>

namespace lamina {
namespace {

using Matrix = std::array<double, 9>;
using Vector = std::array<double, 3>;

Vector times(const Matrix& m, const Vector& v) {
  Vector out{};
  for (size_t row = 0; row < 3; ++row) {
    for (size_t column = 0; column < 3; ++column) out[row] += m[3 * row + column] * v[column];
  }
  return out;
}

// By cofactors: exact enough for 3x3 and it shows a singular matrix.
Matrix inverse(const Matrix& m) {
  Matrix out{};
  for (size_t row = 0; row < 3; ++row) {
    for (size_t column = 0; column < 3; ++column) {
      const size_t r1 = (column + 1) % 3, r2 = (column + 2) % 3, c1 = (row + 1) % 3, c2 = (row + 2) % 3;
      out[3 * row + column] = m[3 * r1 + c1] * m[3 * r2 + c2] - m[3 * r1 + c2] * m[3 * r2 + c1];
    }
  }
  const double determinant = m[0] * out[0] + m[1] * out[3] + m[2] * out[6];
  if (!(std::abs(determinant) > 1e-12)) {
    throw DataError(text("the direction matrix [", join(m), "] has determinant ", determinant,
                         "; expected three independent axes"));
  }
  for (auto& value : out) value /= determinant;
  return out;
}

double distance(const Vector& a, const Vector& b) { return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]); }

}  // namespace

std::array<double, 3> to_physical(const Geometry& geometry, const std::array<double, 3>& index) {
  const auto& s = geometry.spacing;
  Vector position = times(geometry.direction, {index[2] * s[2], index[1] * s[1], index[0] * s[0]});
  for (size_t i = 0; i < 3; ++i) position[i] += geometry.origin[i];
  return position;
}

std::array<double, 3> to_index(const Geometry& geometry, const std::array<double, 3>& position) {
  Vector offset = position;
  for (size_t i = 0; i < 3; ++i) offset[i] -= geometry.origin[i];
  const Vector xyz = times(inverse(geometry.direction), offset);
  const auto& s = geometry.spacing;
  return {xyz[2] / s[0], xyz[1] / s[1], xyz[0] / s[2]};
}

double corner_displacement(const Geometry& a, const Geometry& b, const std::array<int64_t, 3>& size) {
  double largest = 0;
  for (int corner = 0; corner < 8; ++corner) {
    Vector index{};
    for (size_t axis = 0; axis < 3; ++axis) {
      index[axis] = (corner >> axis & 1) != 0 ? static_cast<double>(std::max<int64_t>(size[axis] - 1, 0)) : 0.0;
    }
    largest = std::max(largest, distance(to_index(a, to_physical(b, index)), index));
  }
  return largest;
}

}  // namespace lamina
