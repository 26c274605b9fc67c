// The surface inside a cell of 2 x 2 x 2 voxel centres is a few triangles, as marching cubes draws them. Their normals
// are those of surface-distance (DeepMind, Copyright 2018 Google Inc., Apache-2.0), so that areas agree with it. Its
// table of 256 codes is symmetric: turning or mirroring a cell turns the normals along, and exchanging inside and
// outside leaves the areas alone. Thirteen codes are left; the others are made from them here.
#include "element_areas.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace lamina::surface {
namespace {

using Normal = std::array<int, 3>;  // |z|, |y|, |x| in eighths of a voxel's face; the sign does not matter for areas

struct CellCase {
  uint8_t code;
  std::vector<Normal> normals;
};

const std::vector<CellCase>& cell_cases() {
  static const std::vector<CellCase> cases{
      {0b00000001, {{1, 1, 1}}},
      {0b00000011, {{2, 2, 0}, {2, 2, 0}}},
      {0b00000110, {{1, 1, 1}, {1, 1, 1}}},
      {0b00000111, {{1, 1, 1}, {2, 2, 2}, {4, 0, 0}}},
      {0b00001111, {{4, 0, 0}, {4, 0, 0}}},
      {0b00010110, {{1, 1, 1}, {1, 1, 1}, {1, 1, 1}}},
      {0b00010111, {{1, 1, 1}, {1, 1, 1}, {2, 2, 2}, {2, 2, 2}}},
      {0b00011000, {{1, 1, 1}, {1, 1, 1}}},
      {0b00011001, {{0, 2, 2}, {0, 2, 2}, {1, 1, 1}}},
      {0b00011011, {{0, 2, 2}, {1, 1, 1}, {2, 0, 2}, {3, 3, 3}}},
      {0b00011110, {{1, 1, 1}, {1, 1, 1}, {2, 2, 2}, {4, 0, 0}}},
      {0b00111100, {{2, 2, 0}, {2, 2, 0}, {2, 2, 0}, {2, 2, 0}}},
      {0b01101001, {{1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}}},
  };
  return cases;
}

/// One of the 48 ways to lay a cube onto itself: axes exchanged, then mirrored where `mirror` has the axis' bit.
struct Turn {
  std::array<size_t, 3> axes;
  int mirror;
};

uint8_t turned(uint8_t code, const Turn& turn) {
  uint8_t result = 0;
  for (int corner = 0; corner < 8; ++corner) {
    const std::array<int, 3> at{corner >> 2 & 1, corner >> 1 & 1, corner & 1};
    if (!(code & corner_bit(at[0], at[1], at[2]))) continue;
    std::array<int, 3> to{};
    for (size_t axis = 0; axis < 3; ++axis) to[axis] = at[turn.axes[axis]] ^ (turn.mirror >> axis & 1);
    result |= corner_bit(to[0], to[1], to[2]);
  }
  return result;
}

double area(const std::vector<Normal>& normals, const Turn& turn, const std::array<double, 3>& spacing) {
  const std::array<double, 3> faces{spacing[1] * spacing[2], spacing[0] * spacing[2], spacing[0] * spacing[1]};
  double sum = 0;
  for (const auto& normal : normals) {
    double squared = 0;
    for (size_t axis = 0; axis < 3; ++axis) squared += std::pow(normal[turn.axes[axis]] / 8.0 * faces[axis], 2);
    sum += std::sqrt(squared);
  }
  return sum;
}

}  // namespace

std::array<double, 256> element_areas(const std::array<double, 3>& spacing) {
  std::array<double, 256> areas{};
  Turn turn{{0, 1, 2}, 0};
  do {
    for (turn.mirror = 0; turn.mirror < 8; ++turn.mirror) {
      for (const auto& [code, normals] : cell_cases()) {
        const uint8_t here = turned(code, turn);
        areas[here] = areas[255 - here] = area(normals, turn, spacing);
      }
    }
  } while (std::next_permutation(turn.axes.begin(), turn.axes.end()));
  return areas;
}

std::array<double, 256> element_lengths(const std::array<double, 3>& spacing) {
  const double diagonal = 0.5 * std::hypot(spacing[1], spacing[2]);
  std::array<double, 256> lengths{};
  for (unsigned code = 1; code < 15; ++code) lengths[code] = std::popcount(code) == 2 ? 2 * diagonal : diagonal;
  lengths[corner_bit(0, 0) | corner_bit(0, 1)] = lengths[corner_bit(1, 0) | corner_bit(1, 1)] = spacing[2];
  lengths[corner_bit(0, 0) | corner_bit(1, 0)] = lengths[corner_bit(0, 1) | corner_bit(1, 1)] = spacing[1];
  return lengths;
}

}  // namespace lamina::surface
