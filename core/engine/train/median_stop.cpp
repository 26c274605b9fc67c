// Reads curves and takes medians.
#include "engine/train/median_stop.hpp"

#include "engine/run/number_columns.hpp"
#include "engine/statistics/summary.hpp"

#include <lamina/base/text.hpp>

#include <cmath>
#include <iomanip>
#include <iterator>

namespace lamina::engine {
MedianStop::MedianStop(const TrainSection& section, const std::vector<std::filesystem::path>& curves)
    : active_(section.stop.active()),
      lower_is_better_(section.checkpoint.metric == "loss"),
      epochs_(section.epochs),
      first_(static_cast<int64_t>(std::ceil(section.stop.after * static_cast<double>(section.epochs)))),
      column_("val_" + section.checkpoint.metric) {
  if (!active_) return;
  for (const auto& file : curves) {
    Curve curve = read(file);
    if (!curve.empty()) others_.push_back(std::move(curve));
  }
}

std::string MedianStop::reason(int64_t epoch, double best) const {
  if (!active_ || epoch < first_ || epoch >= epochs_) return "";
  std::vector<double> scores;
  for (const auto& curve : others_) {
    const auto later = curve.upper_bound(epoch);
    if (later != curve.begin()) scores.push_back(std::prev(later)->second);
  }
  if (scores.size() < kFewest) return "";
  const double median = quantile_of(scores, 0.5);
  if (!improves(median, best)) return "";
  return text("after epoch ", epoch, " of ", epochs_, ": ", column_, " reached ", std::setprecision(4), best,
              ", the median of ", scores.size(), " runs with earlier seeds ", median);
}

MedianStop::Curve MedianStop::read(const std::filesystem::path& file) const {
  const NumberColumns columns = read_number_columns(file);
  const auto epochs = columns.find("epoch"), scores = columns.find(column_);
  Curve curve;
  if (epochs == columns.end() || scores == columns.end()) return curve;
  double best = NAN;
  for (size_t i = 0; i < scores->second.size(); ++i) {
    const double score = scores->second[i];
    if (std::isnan(score)) continue;
    if (std::isnan(best) || improves(score, best)) best = score;
    curve[static_cast<int64_t>(epochs->second[i])] = best;
  }
  return curve;
}

}  // namespace lamina::engine
