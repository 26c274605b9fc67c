// Counts of voxels times the volume of one.
#include "volume.hpp"

#include <lamina/objective/class_regions.hpp>

#include <cmath>
#include <limits>

namespace lamina {
namespace {

constexpr double kCubicMillimetres = 1000;  // in a ml

double difference(double predicted, double reference, bool is_signed) {
  return is_signed ? predicted - reference : std::abs(predicted - reference);
}

}  // namespace

std::vector<Score> VolumeMetric::measure(const Volume& prediction, const Case& reference, Scratch& scratch) const {
  std::vector<Score> scores;
  for (const auto& region : class_regions(prediction, reference, classes_, scratch)) {
    const auto& spacing = reference.labels.primary().geometry.spacing;
    const double voxel = spacing[0] * spacing[1] * spacing[2] / kCubicMillimetres;
    scores.push_back({region.class_id,
                      value(voxel * static_cast<double>(region.counts.predicted),
                            voxel * static_cast<double>(region.counts.reference)),
                      region.counts});
  }
  return scores;
}

double ClassVolume::value(double predicted_ml, double reference_ml) const {
  return options_.of == "prediction" ? predicted_ml : reference_ml;
}

double VolumeDifference::value(double predicted_ml, double reference_ml) const {
  return difference(predicted_ml, reference_ml, options_.is_signed);
}

double RelativeVolumeDifference::worst() const { return std::numeric_limits<double>::infinity(); }

double RelativeVolumeDifference::value(double predicted_ml, double reference_ml) const {
  if (reference_ml == 0) return std::numeric_limits<double>::quiet_NaN();
  return difference(predicted_ml, reference_ml, options_.is_signed) / reference_ml;
}

}  // namespace lamina
