// Regions of a slice. Squared distances to the outside separate by axis: first down each column, then every pixel looks
// along its row, outwards, until the steps alone are farther than what it has found.
#include <lamina/data/regions.hpp>

#include <algorithm>
#include <limits>
#include <map>

#include <ATen/ATen.h>

namespace lamina {
namespace {

void include_pixel(Region& region, int64_t x, int64_t y) {
  region.left = std::min(region.left, x);
  region.right = std::max(region.right, x);
  region.top = std::min(region.top, y);
  region.bottom = std::max(region.bottom, y);
  ++region.area;
}

// A mask cut down to the rows and columns it touches; everything beyond is outside anyway.
struct Cutout {
  std::vector<uint8_t> inside;
  int64_t left = 0, top = 0, height = 0, width = 0;
};

Cutout cut_out(const torch::Tensor& mask, const Region& around) {
  const torch::Tensor part = mask.slice(0, around.top, around.bottom + 1).slice(1, around.left, around.right + 1);
  const torch::Tensor dense = part.contiguous();
  const bool* begin = dense.data_ptr<bool>();
  return {{begin, begin + dense.numel()}, around.left, around.top, dense.size(0), dense.size(1)};
}

// Steps up or down to the nearest pixel outside, [height, width]; 0 outside.
std::vector<int64_t> steps_along_columns(const Cutout& cutout) {
  const auto [height, width] = std::pair{cutout.height, cutout.width};
  std::vector<int64_t> steps(cutout.inside.size());
  for (int64_t x = 0; x < width; ++x) {
    int64_t above = 0;
    for (int64_t y = 0; y < height; ++y) steps[y * width + x] = above = cutout.inside[y * width + x] ? above + 1 : 0;
    int64_t below = 0;
    for (int64_t y = height - 1; y >= 0; --y) {
      below = cutout.inside[y * width + x] ? below + 1 : 0;
      steps[y * width + x] = std::min(steps[y * width + x], below);
    }
  }
  return steps;
}

// Squared distance of the pixel at column x to the outside, from the steps of its row.
int64_t squared_distance(const int64_t* steps, int64_t width, int64_t x) {
  int64_t best = steps[x] * steps[x];
  for (int64_t away = 1; away * away < best; ++away) {
    const int64_t left = x >= away ? steps[x - away] : 0, right = x + away < width ? steps[x + away] : 0;
    const int64_t nearer = std::min(left, right);
    best = std::min(best, away * away + nearer * nearer);
  }
  return best;
}

struct CentreOfMass {
  double x = 0, y = 0;
};

CentreOfMass centre_of(const Cutout& cutout) {
  double count = 0, x = 0, y = 0;
  for (size_t i = 0; i < cutout.inside.size(); ++i) {
    if (!cutout.inside[i]) continue;
    count += 1;
    x += static_cast<double>(static_cast<int64_t>(i) % cutout.width);
    y += static_cast<double>(static_cast<int64_t>(i) / cutout.width);
  }
  return {x / count, y / count};
}

Pixel innermost(const Cutout& cutout) {
  const std::vector<int64_t> steps = steps_along_columns(cutout);
  const CentreOfMass centre = centre_of(cutout);
  Pixel best;
  int64_t depth = 0;
  double detour = std::numeric_limits<double>::infinity();  // squared distance to the centre of mass
  for (int64_t y = 0; y < cutout.height; ++y) {
    const int64_t* row = steps.data() + y * cutout.width;
    for (int64_t x = 0; x < cutout.width; ++x) {
      const int64_t here = squared_distance(row, cutout.width, x);
      if (here == 0 || here < depth) continue;
      const double dx = static_cast<double>(x) - centre.x, dy = static_cast<double>(y) - centre.y;
      const double aside = dx * dx + dy * dy;
      if (here == depth && aside >= detour) continue;
      best = {x, y};
      depth = here;
      detour = aside;
    }
  }
  return {best.x + cutout.left, best.y + cutout.top};
}

}  // namespace

std::vector<Region> regions_of(const torch::Tensor& numbers) {
  const torch::Tensor dense = numbers.contiguous();
  const int64_t height = dense.size(0), width = dense.size(1);
  const int64_t* values = dense.data_ptr<int64_t>();
  std::map<int64_t, Region> found;
  Region* last = nullptr;  // neighbours mostly have the same number
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x, ++values) {
      if (*values == 0) continue;
      if (last == nullptr || last->number != *values)
        last = &found.try_emplace(*values, Region{*values, 0, x, y, x, y}).first->second;
      include_pixel(*last, x, y);
    }
  }
  std::vector<Region> regions;
  for (const auto& [number, region] : found) regions.push_back(region);
  return regions;
}

std::optional<Pixel> most_interior(const torch::Tensor& mask) {
  const std::vector<Region> regions = regions_of(mask.to(at::kLong));
  if (regions.empty()) return std::nullopt;
  return innermost(cut_out(mask, regions.front()));
}

}  // namespace lamina
