// Draws figures from a study's numbers.
#include "engine/report/plots.hpp"

#include "engine/report/svg.hpp"
#include "engine/report/words.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace lamina::engine {
namespace {

constexpr double kWidth = 640, kRow = 34, kNames = 170, kRight = 24, kTop = 26, kBottom = 44;
const Stroke kGrid{"currentColor", 1, 0.15, ""}, kZero{"currentColor", 1.5, 0.6, ""};

/// A linear axis from values to picture units.
struct Axis {
  double low, high, from, to;
  double at(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

struct Extent {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  void cover(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
  /// Room on both sides, and never an interval of no length.
  Axis axis(double from, double to) const {
    const double span = high > low ? high - low : std::max(1e-3, std::abs(high) * 0.1);
    return {low - 0.06 * span, high + 0.06 * span, from, to};
  }
};

std::string shortened(const std::string& name) {
  constexpr size_t kLongest = 22;
  return name.size() <= kLongest ? name : text(name.substr(0, kLongest - 1), "\u2026");
}

/// Vertical grid lines with their numbers below.
void draw_value_axis(Svg& svg, const Axis& axis, double bottom, const std::string& label) {
  for (const double tick : nice_ticks(axis.low, axis.high, 5)) {
    svg.line({axis.at(tick), kTop - 8}, {axis.at(tick), bottom}, kGrid);
    svg.text({axis.at(tick), bottom + 16}, tick_text(tick), Anchor::Middle, "tick");
  }
  svg.text({(axis.from + axis.to) / 2, bottom + 34}, label, Anchor::Middle, "label");
}

const MetricSummary* primary_of(const ArmSummary& arm, const StudySummary& study) {
  const auto found = arm.metrics.find(study.primary().name);
  return found == arm.metrics.end() ? nullptr : &found->second;
}

std::string with_unit(const MetricInfo& metric) {
  return metric.unit.empty() ? metric.name : metric.name + ", " + metric.unit;
}

Axis forest_axis(const StudySummary& study, double rope) {
  Extent extent;
  extent.cover(-rope);
  extent.cover(rope);
  for (const auto& arm : study.arms) {
    const auto* metric = primary_of(arm, study);
    if (!metric || !metric->difference) continue;
    extent.cover(metric->difference->interval.low);
    extent.cover(metric->difference->interval.high);
    for (const double value : metric->difference->seed_means) extent.cover(value);
  }
  return extent.axis(kNames, kWidth - kRight);
}

void draw_forest_row(Svg& svg, const Axis& axis, double y, const MetricSummary* metric, const std::string& colour) {
  if (!metric) return svg.text({axis.at(0) + 8, y + 4}, "no result", Anchor::Start, "tick");
  if (!metric->difference) return svg.diamond({axis.at(0), y}, 6, colour);
  const ArmComparison& found = *metric->difference;
  for (const double value : found.seed_means) svg.dot({axis.at(value), y + 9}, 2.5, colour, 0.55);
  svg.line({axis.at(found.interval.low), y}, {axis.at(found.interval.high), y}, {colour, 3, 1, ""});
  for (const double end : {found.interval.low, found.interval.high}) {
    svg.line({axis.at(end), y - 5}, {axis.at(end), y + 5}, {colour, 2, 1, ""});
  }
  svg.diamond({axis.at(found.difference.mean), y}, 6, colour);
}

/// Dots of a row stand side by side: a fixed pattern, so that the picture is the same every time.
double spread(size_t index) { return 7.0 * (static_cast<double>((index * 5) % 9) / 8.0 - 0.5) * 2; }

void draw_strip_row(Svg& svg, const Axis& axis, double y, const MetricSummary& metric, const MetricInfo& info,
                    const std::string& colour) {
  size_t index = 0;
  for (const auto& [id, value] : metric.cases) {
    if (std::isnan(value)) continue;
    svg.dot({axis.at(value), y + spread(index++)}, 3, colour, 0.5, id + ": " + metric_text(value, info));
  }
  svg.line({axis.at(metric.median), y - 12}, {axis.at(metric.median), y + 12}, {"currentColor", 2.5, 1, ""});
}

struct Series {
  std::string colour, name;
  std::vector<std::vector<PlotPoint>> seeds;
  std::vector<PlotPoint> mean;
};

const std::vector<double>* column_of(const RunData& run, const std::string& name) {
  const auto found = run.curves.find(name);
  return found == run.curves.end() ? nullptr : &found->second;
}

/// Mean over seeds where all of them have a value.
std::vector<PlotPoint> mean_line(const std::vector<std::vector<PlotPoint>>& seeds) {
  std::map<double, std::vector<double>> values;
  for (const auto& seed : seeds) {
    for (const auto& point : seed) values[point.x].push_back(point.y);
  }
  std::vector<PlotPoint> line;
  for (const auto& [x, all] : values) {
    if (all.size() == seeds.size()) line.push_back({x, mean_of(all)});
  }
  return line;
}

std::vector<Series> series_of(const StudyData& study, const std::string& column) {
  std::vector<Series> all;
  for (size_t i = 0; i < study.arms.size(); ++i) {
    Series series{arm_colour(i), study.arms[i].name, {}, {}};
    for (const auto& run : study.arms[i].runs) {
      const auto *epochs = column_of(run, "epoch"), *values = column_of(run, column);
      if (!epochs || !values) continue;
      std::vector<PlotPoint> points;
      for (size_t k = 0; k < values->size(); ++k) {
        if (std::isfinite((*values)[k])) points.push_back({(*epochs)[k], (*values)[k]});
      }
      if (!points.empty()) series.seeds.push_back(std::move(points));
    }
    series.mean = mean_line(series.seeds);
    if (!series.seeds.empty()) all.push_back(std::move(series));
  }
  return all;
}

void draw_curve_axes(Svg& svg, const Axis& x, const Axis& y) {
  for (const double tick : nice_ticks(y.low, y.high, 5)) {
    svg.line({x.from, y.at(tick)}, {x.to, y.at(tick)}, kGrid);
    svg.text({x.from - 6, y.at(tick) + 4}, tick_text(tick), Anchor::End, "tick");
  }
  for (const double tick : nice_ticks(x.low, x.high, 6)) {
    if (tick >= 0) svg.text({x.at(tick), y.from + 18}, tick_text(tick), Anchor::Middle, "tick");
  }
  svg.text({(x.from + x.to) / 2, y.from + 36}, "epoch", Anchor::Middle, "label");
}

}  // namespace

std::string arm_colour(size_t arm) {
  static constexpr std::array<const char*, 8> kColours{"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                       "#E69F00", "#56B4E9", "#6A5ACD", "#7F7F7F"};
  return kColours[arm % kColours.size()];
}

std::string forest_plot(const StudySummary& study, const CompareSection& compare) {
  const double bottom = kTop + kRow * static_cast<double>(study.arms.size());
  const MetricInfo& metric = study.primary();
  Svg svg(kWidth, bottom + kBottom, "Paired difference of every arm to the baseline in " + metric.name);
  const Axis axis = forest_axis(study, compare.rope);
  draw_value_axis(svg, axis, bottom,
                  text("difference to ", study.baseline().arm->name, " in ", with_unit(metric), " (",
                       metric.higher_is_better ? "right" : "left", " is better), ",
                       std::lround((1 - compare.alpha) * 100), " % interval"));
  const double margin = axis.at(compare.rope) - axis.at(0);
  if (margin > 0) svg.box({axis.at(0) - margin, kTop - 8}, 2 * margin, bottom - kTop + 8, "currentColor", 0.08);
  svg.line({axis.at(0), kTop - 8}, {axis.at(0), bottom}, kZero);
  for (size_t i = 0; i < study.arms.size(); ++i) {
    const double y = kTop + kRow * (static_cast<double>(i) + 0.5);
    svg.text({kNames - 12, y + 4}, shortened(study.arms[i].arm->name), Anchor::End, "name");
    draw_forest_row(svg, axis, y, primary_of(study.arms[i], study), arm_colour(i));
  }
  return svg.str();
}

std::string strip_plot(const StudySummary& study) {
  Extent extent;
  for (const auto& arm : study.arms) {
    const auto* metric = primary_of(arm, study);
    if (!metric) continue;
    for (const auto& [id, value] : metric->cases) extent.cover(value);
  }
  if (extent.empty()) return "";
  const double bottom = kTop + kRow * static_cast<double>(study.arms.size());
  Svg svg(kWidth, bottom + kBottom, "Every test case of every arm in " + study.primary().name);
  const Axis axis = extent.axis(kNames, kWidth - kRight);
  draw_value_axis(svg, axis, bottom, with_unit(study.primary()) + "; a dot is a case, the bar the median");
  for (size_t i = 0; i < study.arms.size(); ++i) {
    const double y = kTop + kRow * (static_cast<double>(i) + 0.5);
    svg.text({kNames - 12, y + 4}, shortened(study.arms[i].arm->name), Anchor::End, "name");
    const auto* metric = primary_of(study.arms[i], study);
    if (metric) draw_strip_row(svg, axis, y, *metric, study.primary(), arm_colour(i));
  }
  return svg.str();
}

std::string curve_plot(const StudyData& study, const std::string& column, const std::string& title) {
  const auto all = series_of(study, column);
  if (all.empty()) return "";
  Extent across, up;
  for (const auto& series : all) {
    for (const auto& seed : series.seeds) {
      for (const auto& point : seed) across.cover(point.x), up.cover(point.y);
    }
  }
  constexpr double kLeft = 56, kHeight = 300;
  Svg svg(kWidth, kHeight + kBottom, title + " over epochs");
  const Axis x = across.axis(kLeft, kWidth - kRight), y = up.axis(kHeight, kTop);
  svg.text({kLeft, 14}, title, Anchor::Start, "label");
  draw_curve_axes(svg, x, y);
  for (const auto& series : all) {
    for (const auto& seed : series.seeds) {
      std::vector<PlotPoint> line;
      for (const auto& point : seed) line.push_back({x.at(point.x), y.at(point.y)});
      svg.path(line, {series.colour, 1, 0.45, ""});
      if (line.size() == 1) svg.dot(line.front(), 3, series.colour);
    }
    std::vector<PlotPoint> mean;
    for (const auto& point : series.mean) mean.push_back({x.at(point.x), y.at(point.y)});
    svg.path(mean, {series.colour, 2.5, 1, ""});
  }
  return svg.str();
}

}  // namespace lamina::engine
