// Smooth random functions on the unit cube: deformation, texture and bias of the phantom.
#pragma once

#include <lamina/base/random.hpp>

#include <array>
#include <vector>

namespace lamina::phantom {

/// Cubic B-spline over random control points in [-1, 1], several components at once. Made to be walked row by row:
/// set_row() folds z and y, at() folds x.
class SmoothField {
 public:
  /// `cells`: spline cells along z, y, x; more cells, finer structure.
  SmoothField(std::array<int, 3> cells, int components, Random random);
  /// The row at relative z and y in [0, 1].
  class Row {
   public:
    Row(const SmoothField& field, double z, double y);
    /// Value of a component at relative x in [0, 1].
    double at(double x, int component) const;

   private:
    std::vector<double> control_;
    int points_, cells_;
  };

 private:
  std::array<int, 3> cells_;
  std::array<int, 3> points_;
  int components_;
  std::vector<double> control_;  // [component][z][y][x]
};

}  // namespace lamina::phantom
