// Linear maps of a volume onto itself, about its centre.
#include "warp.hpp"

#include <algorithm>
#include <cmath>

#include <ATen/Dispatch.h>

#include <ATen/ATen.h>

namespace lamina::warping {

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix result{};
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      for (int k = 0; k < 3; ++k) result[3 * row + column] += a[3 * row + k] * b[3 * k + column];
    }
  }
  return result;
}

Matrix rotation(const std::array<double, 3>& angles) {
  const auto [z, y, x] = angles;
  const Matrix about_z{1, 0, 0, 0, std::cos(z), -std::sin(z), 0, std::sin(z), std::cos(z)};
  const Matrix about_y{std::cos(y), 0, -std::sin(y), 0, 1, 0, std::sin(y), 0, std::cos(y)};
  const Matrix about_x{std::cos(x), -std::sin(x), 0, std::sin(x), std::cos(x), 0, 0, 0, 1};
  return product(about_x, product(about_y, about_z));
}

Matrix scaling(double factor, bool in_plane) { return {in_plane ? 1 : factor, 0, 0, 0, factor, 0, 0, 0, factor}; }

namespace {

/// A position along an axis: the voxel before it, and how far it is on its way to the next.
struct Along {
  int64_t low;
  float fraction;

  /// Positions nearer to a voxel than kNear are on it: keeps turns by 90 degrees exact.
  explicit Along(double position) {
    constexpr double kNear = 1e-6;
    low = static_cast<int64_t>(position);
    if (position < static_cast<double>(low)) --low;
    double rest = position - static_cast<double>(low);
    if (rest > 1 - kNear) ++low, rest = 0;
    fraction = static_cast<float>(rest < kNear ? 0 : rest);
  }
  bool inside(int64_t size) const { return low >= 0 && low + 1 < size; }
};

/// The one or two voxels of an axis around a position, those outside left out.
struct Pair {
  std::array<int64_t, 2> index;
  std::array<float, 2> weight;
  int count = 0;

  Pair(const Along& at, int64_t size) {
    if (at.low >= 0 && at.low < size) index[count] = at.low, weight[count++] = 1 - at.fraction;
    if (at.fraction > 0 && at.low + 1 >= 0 && at.low + 1 < size)
      index[count] = at.low + 1, weight[count++] = at.fraction;
  }
};

/// Voxels around a position with their weights; less than 1 in sum where some lie outside.
struct Cell {
  std::array<int64_t, 8> offset;
  std::array<float, 8> weight;
  int count = 0;

  Cell(const Along& z, const Along& y, const Along& x, const Size3& size) {
    if (z.inside(size[0]) && y.inside(size[1]) && x.inside(size[2])) {
      fill(z, y, x, size);
    } else {
      fill(Pair(z, size[0]), Pair(y, size[1]), Pair(x, size[2]), size);
    }
  }

 private:
  /// All eight of them, also those of weight 0: most cells are such.
  void fill(const Along& z, const Along& y, const Along& x, const Size3& size) {
    const std::array<float, 2> in_z{1 - z.fraction, z.fraction}, in_y{1 - y.fraction, y.fraction},
        in_x{1 - x.fraction, x.fraction};
    const int64_t first = (z.low * size[1] + y.low) * size[2] + x.low;
    count = 8;
    for (size_t i = 0; i < 8; ++i) {
      const size_t dz = i >> 2, dy = i >> 1 & 1, dx = i & 1;
      offset[i] =
          first + (static_cast<int64_t>(dz) * size[1] + static_cast<int64_t>(dy)) * size[2] + static_cast<int64_t>(dx);
      weight[i] = in_z[dz] * in_y[dy] * in_x[dx];
    }
  }

  void fill(const Pair& z, const Pair& y, const Pair& x, const Size3& size) {
    for (int i = 0; i < z.count; ++i) {
      for (int j = 0; j < y.count; ++j) {
        const int64_t row = (z.index[i] * size[1] + y.index[j]) * size[2];
        const float weight_row = z.weight[i] * y.weight[j];
        for (int k = 0; k < x.count; ++k) {
          offset[count] = row + x.index[k];
          weight[count++] = weight_row * x.weight[k];
        }
      }
    }
  }
};

/// Calls take(index of the target voxel, cell of the source) for every voxel.
template <class Take>
void for_each_cell(const Size3& size, const Warp& warp, const Take& take) {
  const Matrix& m = warp.matrix;
  std::array<double, 3> centre{}, about{};
  for (int axis = 0; axis < 3; ++axis) {
    centre[axis] = (static_cast<double>(size[axis]) - 1) / 2;
    about[axis] = centre[axis] + warp.shift[axis];
  }
  int64_t index = 0;
  for (int64_t z = 0; z < size[0]; ++z) {
    for (int64_t y = 0; y < size[1]; ++y) {
      const double dz = static_cast<double>(z) - centre[0], dy = static_cast<double>(y) - centre[1];
      for (int64_t x = 0; x < size[2]; ++x, ++index) {
        const double dx = static_cast<double>(x) - centre[2];
        const Along at_z(m[0] * dz + m[1] * dy + m[2] * dx + about[0]);
        const Along at_y(m[3] * dz + m[4] * dy + m[5] * dx + about[1]);
        const Along at_x(m[6] * dz + m[7] * dy + m[8] * dx + about[2]);
        take(index, Cell(at_z, at_y, at_x, size));
      }
    }
  }
}

template <class T>
T vote(const T* labels, const Cell& cell) {
  const bool inside = cell.count > 0;
  const T first = inside ? labels[cell.offset[0]] : T(0);
  bool same = inside;
  float total = 0;
  for (int i = 0; i < cell.count; ++i) {
    same = same && labels[cell.offset[i]] == first;
    total += cell.weight[i];
  }
  constexpr float kRounding = 1e-5F;
  if (same && total > 1 - kRounding) return first;
  // What lies outside votes for background; the heaviest voxel, as the nearest, is asked first and wins ties.
  const int nearest =
      static_cast<int>(std::max_element(cell.weight.begin(), cell.weight.begin() + cell.count) - cell.weight.begin());
  T best = 0;
  float best_score = -1;
  const auto consider = [&](T candidate) {
    float score = candidate == 0 ? 1 - total : 0;
    for (int i = 0; i < cell.count; ++i) score += labels[cell.offset[i]] == candidate ? cell.weight[i] : 0;
    if (score > best_score + kRounding) best = candidate, best_score = score;
  };
  if (inside) consider(labels[cell.offset[nearest]]);
  consider(0);
  for (int i = 0; i < cell.count; ++i) consider(labels[cell.offset[i]]);
  return best;
}

Size3 size_of(const torch::Tensor& volume) { return {volume.size(1), volume.size(2), volume.size(3)}; }

}  // namespace

torch::Tensor warp_image(const torch::Tensor& image, const Warp& warp) {
  const auto source = image.to(at::kFloat).contiguous();
  auto target = at::empty_like(source);
  const int64_t channels = source.size(0), stride = source.numel() / channels;
  const float* from = source.data_ptr<float>();
  float* to = target.data_ptr<float>();
  for_each_cell(size_of(source), warp, [&](int64_t index, const Cell& cell) {
    for (int64_t channel = 0; channel < channels; ++channel) {
      float value = 0;
      for (int i = 0; i < cell.count; ++i) value += cell.weight[i] * from[channel * stride + cell.offset[i]];
      to[channel * stride + index] = value;
    }
  });
  return target;
}

torch::Tensor warp_labels(const torch::Tensor& labels, const Warp& warp) {
  const auto source = labels.contiguous();
  auto target = at::empty_like(source);
  AT_DISPATCH_INTEGRAL_TYPES(source.scalar_type(), "warp_labels", [&] {
    const scalar_t* from = source.data_ptr<scalar_t>();
    scalar_t* to = target.data_ptr<scalar_t>();
    for_each_cell(size_of(source), warp, [&](int64_t index, const Cell& cell) { to[index] = vote(from, cell); });
  });
  return target;
}

Case warped(Case one, const Warp& warp) {
  for (auto& [stream, volume] : one.images) volume.voxels = warp_image(volume.voxels, warp);
  for (auto* streams : {&one.labels, &one.instances}) {
    for (auto& [stream, volume] : *streams) {
      if (volume.defined()) volume.voxels = warp_labels(volume.voxels, warp);
    }
  }
  return one;
}

bool works_in_plane(const std::string& choice, const Size3& patch) {
  constexpr int64_t kAnisotropic = 3;
  if (choice != "auto") return choice == "always";
  return patch[0] == 1 || std::max(patch[1], patch[2]) > kAnisotropic * patch[0];
}

std::array<double, 3> usual_degrees(const Size3& patch, bool in_plane) {
  if (!in_plane) return {30, 30, 30};
  const auto [shorter, longer] = std::minmax(patch[1], patch[2]);
  const bool oblong = patch[0] == 1 && static_cast<double>(longer) > 1.5 * static_cast<double>(shorter);
  return {oblong ? 15.0 : 180.0, 0, 0};
}

namespace {

/// The largest extent along a side `along` of a rectangle turned by up to `degrees`; `across` is the other side.
double turned_extent(double along, double across, double degrees) {
  const double peak = std::atan2(across, along);
  const double angle = std::min(degrees / 180 * M_PI, peak);
  return along * std::cos(angle) + across * std::sin(angle);
}

}  // namespace

std::array<double, 3> rotation_reach(const std::array<double, 3>& degrees, const Size3& patch) {
  std::array<double, 3> reach{1, 1, 1};
  for (int about = 0; about < 3; ++about) {
    const int first = about == 0 ? 1 : 0, second = about == 2 ? 1 : 2;
    const auto a = static_cast<double>(patch[first]), b = static_cast<double>(patch[second]);
    reach[first] = std::max(reach[first], turned_extent(a, b, degrees[about]) / a);
    reach[second] = std::max(reach[second], turned_extent(b, a, degrees[about]) / b);
  }
  return reach;
}

}  // namespace lamina::warping
