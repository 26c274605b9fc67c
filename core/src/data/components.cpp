// Connected components of a mask, found by joining runs of voxels along x.
#include <lamina/data/components.hpp>

#include <algorithm>
#include <numeric>
#include <vector>

#include <ATen/ATen.h>

namespace lamina {
namespace {

/// Voxels begin..end-1 of one row.
struct Run {
  int32_t row, begin, end;  // a noisy mask has millions of runs
};

/// Sets of runs, joined as they turn out to touch.
class Sets {
 public:
  explicit Sets(size_t count) : parents_(count) { std::iota(parents_.begin(), parents_.end(), size_t{0}); }
  size_t root(size_t member) {
    while (parents_[member] != member) member = parents_[member] = parents_[parents_[member]];
    return member;
  }
  void join(size_t a, size_t b) {
    a = root(a), b = root(b);
    parents_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<size_t> parents_;
};

struct Runs {
  std::vector<Run> all;
  std::vector<size_t> first;  // of each row; one more at the end
};

size_t count_runs(const bool* mask, int64_t rows, int64_t width) {
  size_t count = 0;
  for (int64_t i = 0; i < rows * width; ++i) count += mask[i] && (i % width == 0 || !mask[i - 1]) ? 1 : 0;
  return count;
}

Runs find_runs(const bool* mask, int64_t rows, int64_t width) {
  Runs runs;
  runs.all.reserve(count_runs(mask, rows, width));  // a noisy mask has millions: growing would hold them three times
  for (int64_t row = 0; row < rows; ++row) {
    runs.first.push_back(runs.all.size());
    const bool* line = mask + row * width;
    for (int64_t x = 0; x < width; ++x) {
      if (!line[x]) continue;
      const int64_t begin = x;
      while (x < width && line[x]) ++x;
      runs.all.push_back({static_cast<int32_t>(row), static_cast<int32_t>(begin), static_cast<int32_t>(x)});
    }
  }
  runs.first.push_back(runs.all.size());
  return runs;
}

/// Joins runs of two rows that overlap, or with `slack` 1 touch at corners.
void join_rows(const Runs& runs, int64_t row, int64_t other, int64_t slack, Sets& sets) {
  size_t a = runs.first[row], b = runs.first[other];
  while (a < runs.first[row + 1] && b < runs.first[other + 1]) {
    const Run &here = runs.all[a], &there = runs.all[b];
    if (here.begin < there.end + slack && there.begin < here.end + slack) sets.join(a, b);
    here.end < there.end ? ++a : ++b;
  }
}

Sets join_runs(const Runs& runs, int64_t depth, int64_t height, Connectivity connectivity) {
  Sets sets(runs.all.size());
  const bool full = connectivity == Connectivity::Full;
  const int64_t slack = full ? 1 : 0;
  for (int64_t z = 0; z < depth; ++z) {
    for (int64_t y = 0; y < height; ++y) {
      const int64_t row = z * height + y;
      if (y > 0) join_rows(runs, row, row - 1, slack, sets);
      if (z == 0) continue;
      join_rows(runs, row, row - height, slack, sets);
      if (full && y > 0) join_rows(runs, row, row - height - 1, slack, sets);
      if (full && y + 1 < height) join_rows(runs, row, row - height + 1, slack, sets);
    }
  }
  return sets;
}

}  // namespace

torch::Tensor component_map(const torch::Tensor& mask, Connectivity connectivity) {
  const torch::Tensor dense = mask.contiguous();
  const int64_t depth = dense.size(0), height = dense.size(1), width = dense.size(2);
  const Runs runs = find_runs(dense.data_ptr<bool>(), depth * height, width);
  Sets sets = join_runs(runs, depth, height, connectivity);
  torch::Tensor map = at::zeros(dense.sizes(), at::kLong);
  int64_t* numbers = map.data_ptr<int64_t>();
  std::vector<int64_t> number_of(runs.all.size(), 0);
  int64_t count = 0;
  for (size_t i = 0; i < runs.all.size(); ++i) {
    const size_t root = sets.root(i);  // the first run of its component
    if (root == i) number_of[i] = ++count;
    int64_t* line = numbers + runs.all[i].row * width;
    std::fill(line + runs.all[i].begin, line + runs.all[i].end, number_of[root]);
  }
  return map;
}

torch::Tensor outside_largest(const torch::Tensor& mask, Connectivity connectivity) {
  auto result = mask.contiguous().clone();
  const int64_t depth = result.size(0), height = result.size(1), width = result.size(2);
  bool* voxels = result.data_ptr<bool>();
  const Runs runs = find_runs(voxels, depth * height, width);
  Sets sets = join_runs(runs, depth, height, connectivity);
  std::vector<int64_t> sizes(runs.all.size(), 0);
  for (size_t i = 0; i < runs.all.size(); ++i) sizes[sets.root(i)] += runs.all[i].end - runs.all[i].begin;
  const int64_t largest = sizes.empty() ? 0 : *std::max_element(sizes.begin(), sizes.end());
  for (size_t i = 0; i < runs.all.size(); ++i) {
    if (sizes[sets.root(i)] < largest) continue;
    bool* line = voxels + runs.all[i].row * width;
    std::fill(line + runs.all[i].begin, line + runs.all[i].end, false);
  }
  return result;
}

}  // namespace lamina
