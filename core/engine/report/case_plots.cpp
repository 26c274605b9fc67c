// Draws arms against their reference case by case, and what arms cost.
#include "engine/report/class_scores.hpp"
#include "engine/report/plot_axis.hpp"
#include "engine/report/plots.hpp"
#include "engine/report/words.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>
#include <array>

namespace lamina::engine {
namespace {

constexpr size_t kNamedCases = 3;  // that gained most, and as many that lost most
const Stroke kGained{"#0072B2", 2, 1, ""}, kLost{"#C25500", 2, 1, "6 3"};

/// The same for every arm, so that pictures can be compared.
Extent extent_of_changes(const StudySummary& study) {
  Extent extent;
  for (size_t i = 0; i < study.arms.size(); ++i) {
    for (const auto& change : case_changes(study, i)) extent.cover(change.before), extent.cover(change.after);
  }
  return extent;
}

std::string change_tip(const CaseChange& change, const MetricInfo& metric) {
  return text(change.id, ": ", metric_text(change.before, metric), " to ", metric_text(change.after, metric));
}

/// Moved apart to `step`, in their order, and back up from the bottom where they would leave the picture.
void spread_out(std::vector<double>& heights, double step, double bottom) {
  for (size_t i = 1; i < heights.size(); ++i) heights[i] = std::max(heights[i], heights[i - 1] + step);
  for (size_t i = heights.size(); i-- > 0;) {
    heights[i] = std::min(heights[i], bottom - step * static_cast<double>(heights.size() - 1 - i));
  }
}

struct NamedLine {
  CaseChange change;
  bool gained;
};

/// The last of `changes` that gained and the first that lost.
std::vector<NamedLine> named_lines(const std::vector<CaseChange>& changes) {
  std::vector<NamedLine> lines;
  for (size_t i = 0; i < std::min(kNamedCases, changes.size()); ++i) {
    if (changes[i].gain < 0) lines.push_back({changes[i], false});
    if (changes[changes.size() - 1 - i].gain > 0) lines.push_back({changes[changes.size() - 1 - i], true});
  }
  std::sort(lines.begin(), lines.end(),
            [](const NamedLine& a, const NamedLine& b) { return a.change.after > b.change.after; });
  return lines;
}

double cost_of(const ArmSummary& arm, Cost cost) {
  switch (cost) {
    case Cost::Parameters:
      return static_cast<double>(arm.trainable);
    case Cost::Training:
      return arm.train_seconds;
    default:
      return static_cast<double>(arm.peak_memory) / (1 << 20);
  }
}

struct CostPoint {
  size_t arm;
  PlotPoint at;
};

/// Where a number beside each point lies on the fewest dots and other numbers.
std::vector<PlotPoint> label_places(const std::vector<CostPoint>& points) {
  constexpr double kNear = 15;
  constexpr std::array<PlotPoint, 8> kAround{
      {{0.9, -0.7}, {-0.9, -0.7}, {0.9, 0.7}, {-0.9, 0.7}, {0, -1}, {0, 1}, {1.2, 0}, {-1.2, 0}}};
  std::vector<PlotPoint> places;
  const auto crowd = [&](PlotPoint at) {
    const auto near = [&](PlotPoint other, double reach) {
      return std::max(0.0, reach - std::hypot(other.x - at.x, other.y - at.y));
    };
    double sum = 0;
    for (const auto& point : points) sum += near(point.at, 10);
    for (const auto& place : places) sum += near(place, 17);
    return sum;
  };
  for (const auto& point : points) {
    PlotPoint best{};
    double least = std::numeric_limits<double>::infinity();
    for (const double reach : {1.0, 1.8}) {
      for (const auto& step : kAround) {
        const PlotPoint at{point.at.x + reach * kNear * step.x, point.at.y + reach * kNear * step.y};
        const double sum = crowd(at) + (reach > 1 ? 0.5 : 0);
        if (sum < least - 1e-9) least = sum, best = at;
      }
    }
    places.push_back(best);
  }
  return places;
}

}  // namespace

std::string paired_scatter(const StudySummary& study, size_t arm) {
  const auto changes = case_changes(study, arm);
  if (changes.empty()) return "";
  constexpr double kSide = 240, kLeft = 44, kBase = kSide - 40;
  const std::string reference = study.arms[study.arms[arm].reference].arm->name;
  const auto gained = std::count_if(changes.begin(), changes.end(), [](const auto& one) { return one.gain > 0; });
  Svg svg(kSide, kSide, text("Cases of ", study.arms[arm].arm->name, " against ", reference),
          text(gained, " of ", changes.size(), " cases are better."));
  const Extent extent = extent_of_changes(study);
  const Axis x = extent.axis(kLeft, kSide - 6), y = extent.axis(kBase, 6);
  draw_value_axis(svg, x, 6, kBase, 4);
  draw_height_axis(svg, y, kLeft, kSide - 6, 4);
  svg.line({x.from, y.from}, {x.to, y.to}, kZeroStroke);
  svg.text({(kLeft + kSide) / 2, kSide - 7}, shortened(reference, 20), Anchor::Middle, "label");
  for (const auto& change : changes) {
    svg.dot({x.at(change.before), y.at(change.after)}, 3.2, arm_colour(arm), 0.6, change_tip(change, study.primary()));
  }
  return svg.str();
}

std::string slope_chart(const StudySummary& study, size_t arm) {
  const auto changes = case_changes(study, arm);
  if (changes.empty()) return "";
  constexpr double kWidth = 320, kHeight = 250, kLeft = 46, kRight = 176, kTop = 10, kBase = kHeight - 30;
  const std::string reference = study.arms[study.arms[arm].reference].arm->name;
  Svg svg(kWidth, kHeight, text("Every case from ", reference, " to ", study.arms[arm].arm->name),
          "The cases that gained and lost most stand in the table below.");
  const Axis y = extent_of_changes(study).axis(kBase, kTop);
  draw_height_axis(svg, y, kLeft, kRight, 4);
  svg.text({kLeft, kHeight - 10}, shortened(reference, 18), Anchor::Start, "tick");
  svg.text({kRight, kHeight - 10}, shortened(study.arms[arm].arm->name, 18), Anchor::Start, "tick");
  for (const auto& change : changes) {
    svg.line({kLeft, y.at(change.before)}, {kRight, y.at(change.after)}, {"currentColor", 1, 0.2, ""});
  }
  std::vector<std::string> ids;
  for (const auto& change : changes) ids.push_back(change.id);
  const ShortNames names(ids);
  const auto lines = named_lines(changes);
  std::vector<double> heights;
  for (const auto& line : lines) heights.push_back(y.at(line.change.after));
  std::sort(heights.begin(), heights.end());
  spread_out(heights, 15, kBase);
  for (size_t i = 0; i < lines.size(); ++i) {
    const CaseChange& change = lines[i].change;
    const double end = y.at(change.after);
    svg.line({kLeft, y.at(change.before)}, {kRight, end}, lines[i].gained ? kGained : kLost);
    svg.line({kRight + 2, end}, {kRight + 12, heights[i]}, {"currentColor", 1, 0.4, ""});
    svg.text(
        {kRight + 15, heights[i] + 4},
        text(shortened(names.of(change.id), 10), " ", metric_text(change.after - change.before, study.primary(), true)),
        Anchor::Start, "tick");
  }
  return svg.str();
}

std::string cost_plot(const StudySummary& study, Cost cost) {
  static const std::map<Cost, std::string> kNames{{Cost::Parameters, "parameters that train"},
                                                  {Cost::Training, "training, seconds a run"},
                                                  {Cost::Memory, "peak memory, MiB"}};
  Extent across, up;
  for (const auto& arm : study.arms) {
    const auto* metric = primary_of(arm, study);
    if (!metric || !std::isfinite(metric->mean) || !(cost_of(arm, cost) > 0)) continue;
    across.cover(cost_of(arm, cost)), up.cover(metric->mean);
  }
  if (across.empty()) return "";
  constexpr double kWidth = 330, kHeight = 270, kLeft = 48, kRight = kWidth - 22, kBase = kHeight - 44;
  Svg svg(kWidth, kHeight, text(with_unit(study.primary()), " against ", kNames.at(cost)),
          "The same numbers stand in the tables of arms and of cost.");
  const Axis x = across.log_axis(kLeft, kRight), y = up.axis(kBase, 10);
  for (const double tick : x.ticks(5)) {
    svg.line({x.at(tick), 10}, {x.at(tick), kBase}, kGridStroke);
    svg.text({x.at(tick), kBase + 16}, short_count(std::lround(tick)), Anchor::Middle, "tick");
  }
  draw_height_axis(svg, y, kLeft, kRight, 5);
  svg.text({(kLeft + kRight) / 2, kHeight - 8}, kNames.at(cost), Anchor::Middle, "label");
  std::vector<CostPoint> points;
  for (size_t i = 0; i < study.arms.size(); ++i) {
    const auto* metric = primary_of(study.arms[i], study);
    const double value = cost_of(study.arms[i], cost);
    if (metric && std::isfinite(metric->mean) && value > 0) points.push_back({i, {x.at(value), y.at(metric->mean)}});
  }
  const auto places = label_places(points);
  for (size_t i = 0; i < points.size(); ++i) {
    svg.line(points[i].at, places[i], {"currentColor", 1, 0.35, ""});
    const ArmSummary& arm = study.arms[points[i].arm];
    svg.dot(points[i].at, 4.5, arm_colour(points[i].arm), 1,
            arm.arm->name + ": " + metric_text(primary_of(arm, study)->mean, study.primary()));
    svg.text({places[i].x, places[i].y + 4}, std::to_string(points[i].arm + 1), Anchor::Middle, "halo");
  }
  return svg.str();
}

}  // namespace lamina::engine
