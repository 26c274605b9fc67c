// Ratios of numbers of lesions; 0 / 0 is undefined, as with voxels.
#include "lesion.hpp"

#include <lamina/base/text.hpp>
#include <lamina/objective/class_regions.hpp>

#include <limits>

namespace lamina {
namespace {

double share(double part, int64_t whole) {
  if (whole == 0) return std::numeric_limits<double>::quiet_NaN();
  return part / static_cast<double>(whole);
}

/// By class; empty before the first metric asked.
using MatchesByClass = std::map<int64_t, LesionMatches>;

}  // namespace

std::vector<Score> LesionMetric::measure(const Volume& prediction, const Case& reference, Scratch& scratch) const {
  auto& known = scratch.get<MatchesByClass>(
      text("lesions/", options_.connectivity, "/", options_.match, "/", options_.min_size_mm3, "/", options_.min_iou));
  std::vector<Score> scores;
  for (const auto& region : class_regions(prediction, reference, classes_, scratch)) {
    const auto [matches, fresh] = known.try_emplace(region.class_id);
    if (fresh && !region.box.empty()) {
      const auto& spacing = reference.labels.primary().geometry.spacing;
      matches->second =
          match_lesions(joint_mask(prediction, reference, region, 0), spacing[0] * spacing[1] * spacing[2], options_);
    }
    scores.push_back({region.class_id, value(matches->second), region.counts});
  }
  return scores;
}

double LesionPrecision::value(const LesionMatches& matches) const {
  return share(static_cast<double>(matches.found), matches.found + matches.invented);
}

double LesionRecall::value(const LesionMatches& matches) const {
  return share(static_cast<double>(matches.found), matches.found + matches.missed);
}

double LesionF1::value(const LesionMatches& matches) const {
  return share(2.0 * static_cast<double>(matches.found), 2 * matches.found + matches.invented + matches.missed);
}

double LesionDice::value(const LesionMatches& matches) const {
  return share(matches.dice_sum, matches.found + matches.invented + matches.missed);
}

double LesionTruePositives::value(const LesionMatches& matches) const { return static_cast<double>(matches.found); }

double LesionFalsePositives::value(const LesionMatches& matches) const { return static_cast<double>(matches.invented); }

double LesionFalseNegatives::value(const LesionMatches& matches) const { return static_cast<double>(matches.missed); }

}  // namespace lamina
