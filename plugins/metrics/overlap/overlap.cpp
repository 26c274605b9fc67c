// Ratios of counts; every undefined case (0 / 0) is NaN, so that the policy for empty masks decides later.
#include "overlap.hpp"

#include <lamina/objective/class_regions.hpp>

#include <cmath>
#include <limits>

namespace lamina {
namespace {

double ratio(int64_t part, int64_t whole) {
  if (whole == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::vector<Score> OverlapMetric::measure(const Volume& prediction, const Case& reference, Scratch& scratch) const {
  std::vector<Score> scores;
  for (const auto& region : class_regions(prediction, reference, classes_, scratch)) {
    scores.push_back({region.class_id, value(region.counts), region.counts});
  }
  return scores;
}

double Dice::value(const Counts& counts) const { return ratio(2 * counts.both, counts.predicted + counts.reference); }

double Iou::value(const Counts& counts) const {
  return ratio(counts.both, counts.predicted + counts.reference - counts.both);
}

double Precision::value(const Counts& counts) const { return ratio(counts.both, counts.predicted); }

double Recall::value(const Counts& counts) const { return ratio(counts.both, counts.reference); }

double VolumeSimilarity::value(const Counts& counts) const {
  return 1 - ratio(std::abs(counts.predicted - counts.reference), counts.predicted + counts.reference);
}

}  // namespace lamina
