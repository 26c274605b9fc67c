// Draws differences and scores class by class, and every pair of arms.
#include "engine/report/heat_map.hpp"
#include "engine/report/plot_axis.hpp"
#include "engine/report/plots.hpp"
#include "engine/report/words.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>
#include <cstdio>

namespace lamina::engine {
namespace {

/// Short enough for a cell; the sign tells what grey cannot.
std::string cell_number(double difference, const MetricInfo& metric) {
  char digits[32];
  std::snprintf(digits, sizeof digits, metric.unit.empty() ? "%+.3f" : "%+.2f", difference);
  return digits;
}

HeatCell cell_of(const std::optional<double>& difference, const MetricInfo& metric) {
  if (!difference) return {std::numeric_limits<double>::quiet_NaN(), "-", false};
  return {metric.higher_is_better ? *difference : -*difference, cell_number(*difference, metric), false};
}

std::optional<double> difference_in_class(const ArmSummary& arm, int64_t class_id) {
  const auto found = arm.classes.find(class_id);
  return found == arm.classes.end() ? std::nullopt : found->second.difference;
}

/// "largest gain +0.051 (deep, liver), largest loss ..." for readers who do not see the colours.
std::string extremes_of(const HeatMap& map) {
  struct Place {
    double gain;
    std::string words;
  };
  std::vector<Place> places;
  for (size_t i = 0; i < map.rows.size(); ++i) {
    for (size_t k = 0; k < map.columns.size(); ++k) {
      const HeatCell& cell = map.cells[i][k];
      if (std::isfinite(cell.gain))
        places.push_back({cell.gain, text(cell.words, " (", map.rows[i], ", ", map.columns[k], ")")});
    }
  }
  if (places.empty()) return "No cell has a value.";
  const auto [worst, best] =
      std::minmax_element(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.gain < b.gain; });
  return text("From ", worst->words, " to ", best->words, ".");
}

struct Quartiles {
  double low, lower, middle, upper, high;  // low and high: where the whiskers end
  std::vector<std::pair<double, std::string>> outliers;
};

Quartiles quartiles_of(const std::map<std::string, double>& cases) {
  std::vector<std::pair<double, std::string>> sorted;
  for (const auto& [id, value] : cases) {
    if (!std::isnan(value)) sorted.emplace_back(value, id);
  }
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> values;
  for (const auto& [value, id] : sorted) values.push_back(value);
  Quartiles made{0, quantile_of(values, 0.25), quantile_of(values, 0.5), quantile_of(values, 0.75), 0, {}};
  const double reach = 1.5 * (made.upper - made.lower);
  made.low = made.lower, made.high = made.upper;
  for (const auto& [value, id] : sorted) {
    if (value < made.lower - reach || value > made.upper + reach) {
      made.outliers.emplace_back(value, id);
    } else {
      made.low = std::min(made.low, value), made.high = std::max(made.high, value);
    }
  }
  return made;
}

constexpr double kBoxRow = 32, kBoxHeight = 13, kBoxWidth = 520, kBoxNames = 180;

/// Names above their dots, below where there is no room above; one that would lie on another is left to the pointer.
void draw_outliers(Svg& svg, const Axis& axis, double y, const Quartiles& box, const ShortNames& names,
                   const MetricInfo& metric, const std::string& colour) {
  double free_above = 0, free_below = 0;
  for (const auto& [value, id] : box.outliers) {
    const double x = axis.at(value), half = 3.2 * static_cast<double>(names.of(id).size()) + 2;
    svg.dot({x, y}, 3, colour, 0.8, id + ": " + metric_text(value, metric));
    double& free = x - half >= free_above ? free_above : free_below;
    if (x - half < free) continue;
    svg.text({x, &free == &free_above ? y - 6 : y + 14}, names.of(id), Anchor::Middle, "case");
    free = x + half;
  }
}

void draw_box_row(Svg& svg, const Axis& axis, double y, const Quartiles& box, const std::string& colour) {
  svg.line({axis.at(box.low), y}, {axis.at(box.lower), y}, {colour, 1.5, 1, ""});
  svg.line({axis.at(box.upper), y}, {axis.at(box.high), y}, {colour, 1.5, 1, ""});
  for (const double end : {box.low, box.high}) {
    svg.line({axis.at(end), y - 4}, {axis.at(end), y + 4}, {colour, 1.5, 1, ""});
  }
  const PlotPoint corner{axis.at(box.lower), y - kBoxHeight / 2};
  const double width = axis.at(box.upper) - corner.x;
  svg.box(corner, width, kBoxHeight, colour, 0.25);
  svg.frame(corner, width, kBoxHeight, {colour, 1.5, 1, ""});
  svg.line({axis.at(box.middle), y - kBoxHeight / 2}, {axis.at(box.middle), y + kBoxHeight / 2},
           {"currentColor", 2.5, 1, ""});
}

std::vector<std::string> all_cases(const StudySummary& study) {
  std::vector<std::string> ids;
  for (const auto& arm : study.arms) {
    const auto* metric = primary_of(arm, study);
    if (!metric) continue;
    for (const auto& [id, value] : metric->cases) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace

std::string class_heat_map(const StudySummary& study) {
  HeatMap map;
  map.title = "Difference of every arm to the baseline in " + with_unit(study.primary()) + ", class by class";
  for (const auto& [id, name] : study.classes) map.columns.push_back(name);
  map.columns.push_back("all");
  for (const auto& arm : study.arms) {
    const auto* metric = primary_of(arm, study);
    if (!metric || !metric->difference) continue;
    map.rows.push_back(arm.arm->name);
    map.cells.emplace_back();
    for (const auto& [id, name] : study.classes)
      map.cells.back().push_back(cell_of(difference_in_class(arm, id), study.primary()));
    map.cells.back().push_back(cell_of(metric->difference->difference.mean, study.primary()));
  }
  if (map.rows.empty()) return "";
  map.description = extremes_of(map);
  return draw_heat_map(map);
}

std::string pair_heat_map(const StudySummary& study) {
  if (study.pairs.empty()) return "";
  HeatMap map;
  map.title = "Difference of every pair of arms in " + with_unit(study.primary()) + ", row less column";
  std::map<size_t, size_t> place;  // arm -> row
  for (const size_t arm : study.ranked) {
    place[arm] = map.rows.size();
    map.rows.push_back(study.arms[arm].arm->name);
  }
  map.columns = map.rows;
  map.cells.assign(map.rows.size(), std::vector<HeatCell>(map.rows.size()));
  for (const auto& pair : study.pairs) {
    const double difference = pair.found.difference.mean;
    const bool sure = pair.found.verdict == Verdict::Better || pair.found.verdict == Verdict::Worse;
    HeatCell cell = cell_of(difference, study.primary()), mirrored = cell_of(-difference, study.primary());
    cell.strong = mirrored.strong = sure;
    map.cells[place.at(pair.variant)][place.at(pair.reference)] = cell;
    map.cells[place.at(pair.reference)][place.at(pair.variant)] = mirrored;
  }
  map.description = extremes_of(map);
  return draw_heat_map(map);
}

std::string class_box_plot(const StudySummary& study, int64_t class_id) {
  Extent extent;
  size_t rows = 0;
  for (const auto& arm : study.arms) {
    const auto found = arm.classes.find(class_id);
    if (found == arm.classes.end()) continue;
    ++rows;
    for (const auto& [id, value] : found->second.cases) extent.cover(value);
  }
  if (extent.empty()) return "";
  const double bottom = 12 + kBoxRow * static_cast<double>(rows);
  const std::string& name = study.classes.at(class_id);
  Svg svg(kBoxWidth, bottom + 26, text("Cases of every arm in class ", name, ", ", with_unit(study.primary())),
          "Boxes are quartiles with the median, whiskers reach 1.5 quartile ranges; dots beyond are named.");
  const Axis axis = extent.axis(kBoxNames, kBoxWidth - 16);
  draw_value_axis(svg, axis, 4, bottom);
  const ShortNames names(all_cases(study));
  double y = 12 + kBoxRow / 2;
  for (size_t i = 0; i < study.arms.size(); ++i) {
    const auto found = study.arms[i].classes.find(class_id);
    if (found == study.arms[i].classes.end()) continue;
    svg.text({kBoxNames - 10, y + 4}, shortened(study.arms[i].arm->name), Anchor::End, "name");
    const Quartiles box = quartiles_of(found->second.cases);
    if (std::isfinite(box.middle)) {
      draw_box_row(svg, axis, y, box, arm_colour(i));
      draw_outliers(svg, axis, y, box, names, study.primary(), arm_colour(i));
    }
    y += kBoxRow;
  }
  return svg.str();
}

}  // namespace lamina::engine
