// Components on both sides, their overlaps, and two rules for what belongs together.
#include "lesion_matching.hpp"

#include <lamina/data/components.hpp>
#include <lamina/objective/class_regions.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include <ATen/ATen.h>

namespace lamina {
namespace {

/// Components of one side: voxels of each, and whether it counts. Number 0 is what surrounds them.
struct Lesions {
  torch::Tensor map;
  std::vector<int64_t> voxels;
  double least = 0;

  Lesions(const torch::Tensor& mask, Connectivity connectivity, double least_voxels)
      : map(component_map(mask, connectivity).contiguous()), least(least_voxels) {
    const int64_t count = map.max().item<int64_t>();
    voxels.assign(static_cast<size_t>(count) + 1, 0);
    const auto* numbers = map.data_ptr<int64_t>();
    for (int64_t i = 0; i < map.numel(); ++i) ++voxels[static_cast<size_t>(numbers[i])];
  }

  size_t size() const { return voxels.size(); }
  bool counts(size_t lesion) const { return static_cast<double>(voxels[lesion]) >= least; }
};

struct Overlap {
  size_t reference, predicted;
  int64_t voxels;
};

std::vector<Overlap> overlaps(const Lesions& reference, const Lesions& predicted) {
  std::map<std::pair<size_t, size_t>, int64_t> shared;
  const auto *a = reference.map.data_ptr<int64_t>(), *b = predicted.map.data_ptr<int64_t>();
  for (int64_t i = 0; i < reference.map.numel(); ++i) {
    if (a[i] != 0 && b[i] != 0) ++shared[{static_cast<size_t>(a[i]), static_cast<size_t>(b[i])}];
  }
  std::vector<Overlap> list;
  for (const auto& [pair, voxels] : shared) list.push_back({pair.first, pair.second, voxels});
  return list;
}

double ratio(int64_t part, int64_t whole) { return static_cast<double>(part) / static_cast<double>(whole); }

/// A lesion is found where any predicted one overlaps it; its Dice is with all of these together.
void match_any(const Lesions& reference, const Lesions& predicted, const std::vector<Overlap>& pairs,
               LesionMatches& matches, std::set<size_t>& right) {
  std::map<size_t, std::pair<int64_t, int64_t>> partners;  // lesion -> voxels shared, voxels of the predicted ones
  for (const auto& pair : pairs) {
    auto& [shared, voxels] = partners[pair.reference];
    shared += pair.voxels;
    voxels += predicted.voxels[pair.predicted];
    right.insert(pair.predicted);
  }
  for (const auto& [lesion, both] : partners)
    matches.dice_sum += ratio(2 * both.first, reference.voxels[lesion] + both.second);
  matches.found = static_cast<int64_t>(partners.size());
}

/// Each lesion has at most one partner: pairs are taken by falling overlap over union.
void match_one_to_one(const Lesions& reference, const Lesions& predicted, const std::vector<Overlap>& pairs,
                      double min_iou, LesionMatches& matches, std::set<size_t>& right) {
  using Ranked = std::tuple<double, Overlap>;
  std::vector<Ranked> ranked;
  for (const auto& pair : pairs) {
    const int64_t whole = reference.voxels[pair.reference] + predicted.voxels[pair.predicted] - pair.voxels;
    ranked.emplace_back(ratio(pair.voxels, whole), pair);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const Ranked& a, const Ranked& b) { return std::get<0>(a) > std::get<0>(b); });
  std::set<size_t> taken;
  for (const auto& [iou, pair] : ranked) {
    if (iou < min_iou || taken.contains(pair.reference) || right.contains(pair.predicted)) continue;
    taken.insert(pair.reference);
    right.insert(pair.predicted);
    matches.dice_sum += ratio(2 * pair.voxels, reference.voxels[pair.reference] + predicted.voxels[pair.predicted]);
  }
  matches.found = static_cast<int64_t>(taken.size());
}

int64_t counted(const Lesions& lesions) {
  int64_t count = 0;
  for (size_t lesion = 1; lesion < lesions.size(); ++lesion) count += lesions.counts(lesion);
  return count;
}

}  // namespace

void LesionOptions::bind(OptionBinder& o) {
  o.field("connectivity", connectivity,
          "Voxels of one lesion touch across faces (6 neighbours, 4 in a slice), or also edges and corners (26, or 8)",
          OneOf{"faces", "full"});
  o.field("min_size_mm3", min_size_mm3, "Smaller lesions do not count, in either mask", AtLeast{0});
  o.field("match", match,
          "overlap: a lesion is found where any predicted one shares a voxel with it; one_to_one: pairs by falling "
          "overlap over union, each lesion in one",
          OneOf{"overlap", "one_to_one"});
  o.field("min_iou", min_iou, "Overlap over union that a pair needs, with one_to_one", Range{0, 1});
}

void LesionOptions::check(OptionErrors& errors, const std::string& where) const {
  if (min_iou > 0 && match == "overlap")
    errors.add(where + ".min_iou", "is for match one_to_one; with overlap any shared voxel counts");
}

LesionMatches match_lesions(const torch::Tensor& mask, double voxel_mm3, const LesionOptions& options) {
  const auto connectivity = options.connectivity == "faces" ? Connectivity::Faces : Connectivity::Full;
  // The tolerance keeps a lesion of exactly that size, whatever the spacing's rounding.
  const double least = options.min_size_mm3 / voxel_mm3 * (1 - 1e-9);
  const Lesions reference(mask.bitwise_and(kReference).ne(0), connectivity, least);
  const Lesions predicted(mask.bitwise_and(kPredicted).ne(0), connectivity, least);
  std::vector<Overlap> pairs = overlaps(reference, predicted);
  std::set<size_t> right, beside_small;
  for (const auto& pair : pairs) {
    if (!reference.counts(pair.reference)) beside_small.insert(pair.predicted);
  }
  std::erase_if(pairs, [&](const Overlap& pair) {
    if (reference.counts(pair.reference)) beside_small.erase(pair.predicted);
    return !reference.counts(pair.reference) || !predicted.counts(pair.predicted);
  });
  LesionMatches matches;
  if (options.match == "overlap") {
    match_any(reference, predicted, pairs, matches, right);
  } else {
    match_one_to_one(reference, predicted, pairs, options.min_iou, matches, right);
  }
  matches.missed = counted(reference) - matches.found;
  for (size_t lesion = 1; lesion < predicted.size(); ++lesion)
    matches.invented += predicted.counts(lesion) && !right.contains(lesion) && !beside_small.contains(lesion);
  return matches;
}

}  // namespace lamina
