// Squared distances separate by axis. Along x two sweeps find the nearest point of each row; along y the lower envelope
// of parabolas (Felzenszwalb and Huttenlocher 2012) picks the best row; along z only the asking points look, slice by
// slice outwards, and stop as soon as the slices alone are farther than what was found. Slices nobody asks for are
// never computed.
#include "nearest.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

namespace lamina::surface {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr uint16_t kNone = std::numeric_limits<uint16_t>::max();

struct Point {
  int32_t z, y, x;
};

/// Steps from a voxel to the nearest point of its slice: two bytes each keep a slice in the cache.
struct Offset {
  uint16_t y, x;
};

/// Rows of a column that anybody asks for.
struct Rows {
  int32_t first = std::numeric_limits<int32_t>::max(), last = -1;
};

std::vector<Point> points_with(const Lattice& lattice, uint8_t bit) {
  std::vector<Point> points;
  const uint8_t* marks = lattice.marks.data();
  for (int32_t z = 0; z < lattice.size[0]; ++z) {
    for (int32_t y = 0; y < lattice.size[1]; ++y) {
      for (int32_t x = 0; x < lattice.size[2]; ++x, ++marks) {
        if (*marks & bit) points.push_back({z, y, x});
      }
    }
  }
  return points;
}

std::vector<Rows> asked_rows(const std::vector<Point>& points, int64_t width) {
  std::vector<Rows> columns(static_cast<size_t>(width));
  for (const auto& point : points) {
    Rows& rows = columns[static_cast<size_t>(point.x)];
    rows.first = std::min(rows.first, point.y);
    rows.last = std::max(rows.last, point.y);
  }
  return columns;
}

/// (k * spacing)^2 for k = 0 .. count - 1.
std::vector<double> squares(int64_t count, double spacing) {
  std::vector<double> result(static_cast<size_t>(count));
  for (int64_t k = 0; k < count; ++k) {
    const double length = static_cast<double>(k) * spacing;
    result[static_cast<size_t>(k)] = length * length;
  }
  return result;
}

/// Nearest points within single slices, computed when first asked for.
class SliceMaps {
 public:
  SliceMaps(const Lattice& lattice, uint8_t to, std::vector<Rows> asked)
      : lattice_(lattice),
        to_(to),
        asked_(std::move(asked)),
        square_y_(squares(lattice.size[1], lattice.spacing[1])),
        square_x_(squares(lattice.size[2], lattice.spacing[2])),
        half_inverse_(square_y_.size()),
        along_x_(static_cast<size_t>(lattice.size[1] * lattice.size[2])),
        peaks_(square_y_.size() + 1),
        maps_(static_cast<size_t>(lattice.size[0])),
        state_(static_cast<size_t>(lattice.size[0]), State::Unknown) {
    for (size_t k = 1; k < half_inverse_.size(); ++k) {
      half_inverse_[k] = 1 / (2 * static_cast<double>(k) * lattice.spacing[1] * lattice.spacing[1]);
    }
  }

  /// mm^2 within slice z from (y, x) to its nearest point, plus `square_z`; infinite for a slice without points.
  double squared(int32_t z, int32_t y, int32_t x, double square_z) {
    const auto slice = static_cast<size_t>(z);
    if (state_[slice] == State::Unknown) compute(z);
    if (state_[slice] == State::Empty) return kInfinity;
    const Offset offset = maps_[slice][y * lattice_.size[2] + x];
    return square_z + square_y_[offset.y] + square_x_[offset.x];
  }

 private:
  enum class State : uint8_t { Unknown, Empty, Ready };
  /// A parabola of the envelope: the row it stands in, its height there, where it becomes the lowest.
  struct Peak {
    int32_t row;
    double height, start;
  };

  void compute(int32_t z) {
    const auto [height, width] = std::pair{lattice_.size[1], lattice_.size[2]};
    const uint8_t* marks = lattice_.marks.data() + z * height * width;
    std::vector<int32_t> rows;
    for (int32_t y = 0; y < height; ++y) {
      if (sweep(marks + y * width, along_x_.data() + y * width, width)) rows.push_back(y);
    }
    state_[static_cast<size_t>(z)] = rows.empty() ? State::Empty : State::Ready;
    if (rows.empty()) return;
    auto& map = maps_[static_cast<size_t>(z)];
    map = std::make_unique_for_overwrite<Offset[]>(static_cast<size_t>(height * width));
    for (int32_t x = 0; x < width; ++x) column(rows, x, map.get());
  }

  /// Steps to the nearest point along a row; false when the row has none.
  bool sweep(const uint8_t* marks, uint16_t* steps, int64_t width) const {
    uint8_t seen = 0;
    for (int64_t x = 0; x < width; ++x) seen |= marks[x];
    if (!(seen & to_)) return false;
    int32_t near = kNone;
    for (int64_t x = 0; x < width; ++x) {
      near = (marks[x] & to_) ? 0 : std::min<int32_t>(near + 1, kNone);
      steps[x] = static_cast<uint16_t>(near);
    }
    near = kNone;
    for (int64_t x = width - 1; x >= 0; --x) {
      near = std::min<int32_t>(near + 1, steps[x]);
      steps[x] = static_cast<uint16_t>(near);
    }
    return true;
  }

  void column(const std::vector<int32_t>& rows, int32_t x, Offset* map) {
    const Rows asked = asked_[static_cast<size_t>(x)];
    if (asked.last < asked.first) return;
    const int64_t width = lattice_.size[2];
    const Peak* peak = envelope(rows, x);
    for (int32_t y = asked.first; y <= asked.last; ++y) {
      while (peak[1].start < y) ++peak;
      map[y * width + x] = {static_cast<uint16_t>(std::abs(y - peak->row)), along_x_[peak->row * width + x]};
    }
  }

  /// The lowest parabolas of a column from top to bottom, closed by one that never starts.
  const Peak* envelope(const std::vector<int32_t>& rows, int32_t x) {
    Peak* peaks = peaks_.data();
    size_t count = 0;
    for (const int32_t row : rows) {
      const double height = square_x_[along_x_[row * lattice_.size[2] + x]] + square_y_[static_cast<size_t>(row)];
      double start = -kInfinity;
      for (; count > 0; --count) {
        const Peak& top = peaks[count - 1];
        start = (height - top.height) * half_inverse_[static_cast<size_t>(row - top.row)];
        if (start > top.start) break;
      }
      peaks[count] = {row, height, count == 0 ? -kInfinity : start};
      ++count;
    }
    peaks[count] = {0, 0, kInfinity};
    return peaks;
  }

  const Lattice& lattice_;
  uint8_t to_;
  std::vector<Rows> asked_;
  std::vector<double> square_y_, square_x_, half_inverse_;
  std::vector<uint16_t> along_x_;  // [H, W] of the slice at work
  std::vector<Peak> peaks_;
  std::vector<std::unique_ptr<Offset[]>> maps_;
  std::vector<State> state_;
};

double nearest(const Point& point, const std::vector<double>& square_z, SliceMaps& slices) {
  double best = kInfinity;
  const auto depth = static_cast<int32_t>(square_z.size());
  for (int32_t k = 0; k < depth && square_z[static_cast<size_t>(k)] < best; ++k) {
    const double away = square_z[static_cast<size_t>(k)];
    if (point.z >= k) best = std::min(best, slices.squared(point.z - k, point.y, point.x, away));
    if (k > 0 && point.z + k < depth) best = std::min(best, slices.squared(point.z + k, point.y, point.x, away));
  }
  return std::sqrt(best);
}

}  // namespace

std::vector<double> nearest_distances(const Lattice& lattice, uint8_t from, uint8_t to) {
  const int64_t longest = *std::max_element(lattice.size.begin(), lattice.size.end());
  if (longest >= kNone)
    throw DataError(text("a surface spans ", longest, " voxels along one axis; at most 65534 can be measured"));
  const std::vector<Point> points = points_with(lattice, from);
  const std::vector<double> square_z = squares(lattice.size[0], lattice.spacing[0]);
  SliceMaps slices(lattice, to, asked_rows(points, lattice.size[2]));
  std::vector<double> distances;
  distances.reserve(points.size());
  for (const auto& point : points) distances.push_back(nearest(point, square_z, slices));
  return distances;
}

}  // namespace lamina::surface
