// Draws figures from a study's numbers.
#include "engine/report/plots.hpp"

#include "engine/report/plot_axis.hpp"
#include "engine/report/words.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>
#include <cmath>

namespace lamina::engine {
namespace {

constexpr double kRow = 34;

void label_below(Svg& svg, const Axis& axis, double bottom, const std::string& label) {
  svg.text({(axis.from + axis.to) / 2, bottom + 34}, label, Anchor::Middle, "label");
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
  return extent.axis(kFigureNames, kFigureWidth - kFigureRight);
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

}  // namespace

std::string forest_plot(const StudySummary& study, const CompareSection& compare) {
  const double bottom = kFigureTop + kRow * static_cast<double>(study.arms.size());
  const MetricInfo& metric = study.primary();
  Svg svg(kFigureWidth, bottom + kFigureBottom, "Paired difference of every arm to the baseline in " + metric.name,
          "The same numbers stand in the table of arms below.");
  const Axis axis = forest_axis(study, compare.rope);
  draw_value_axis(svg, axis, kFigureTop - 8, bottom);
  label_below(svg, axis, bottom,
              text("difference to ", study.baseline().arm->name, " in ", with_unit(metric), " (",
                   metric.higher_is_better ? "right" : "left", " is better), ", std::lround((1 - compare.alpha) * 100),
                   " % interval"));
  const double margin = axis.at(compare.rope) - axis.at(0);
  if (margin > 0)
    svg.box({axis.at(0) - margin, kFigureTop - 8}, 2 * margin, bottom - kFigureTop + 8, "currentColor", 0.08);
  svg.line({axis.at(0), kFigureTop - 8}, {axis.at(0), bottom}, kZeroStroke);
  for (size_t i = 0; i < study.arms.size(); ++i) {
    const double y = kFigureTop + kRow * (static_cast<double>(i) + 0.5);
    svg.text({kFigureNames - 12, y + 4}, shortened(study.arms[i].arm->name), Anchor::End, "name");
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
  const double bottom = kFigureTop + kRow * static_cast<double>(study.arms.size());
  Svg svg(kFigureWidth, bottom + kFigureBottom, "Every test case of every arm in " + study.primary().name);
  const Axis axis = extent.axis(kFigureNames, kFigureWidth - kFigureRight);
  draw_value_axis(svg, axis, kFigureTop - 8, bottom);
  label_below(svg, axis, bottom, with_unit(study.primary()) + "; a dot is a case, the bar the median");
  for (size_t i = 0; i < study.arms.size(); ++i) {
    const double y = kFigureTop + kRow * (static_cast<double>(i) + 0.5);
    svg.text({kFigureNames - 12, y + 4}, shortened(study.arms[i].arm->name), Anchor::End, "name");
    const auto* metric = primary_of(study.arms[i], study);
    if (metric) draw_strip_row(svg, axis, y, *metric, study.primary(), arm_colour(i));
  }
  return svg.str();
}

}  // namespace lamina::engine
