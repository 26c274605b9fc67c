// Draws columns of curves.csv.
#include "engine/report/plot_axis.hpp"
#include "engine/report/plots.hpp"

#include <lamina/base/text.hpp>

#include <cmath>

namespace lamina::engine {
namespace {

struct Series {
  std::string colour, dashes;
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
    Series series{arm_colour(i), arm_dashes(i), {}, {}};
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

}  // namespace

std::string curve_plot(const StudyData& study, const std::string& column, const std::string& title) {
  const auto all = series_of(study, column);
  if (all.empty()) return "";
  Extent across, up;
  for (const auto& series : all) {
    for (const auto& seed : series.seeds) {
      for (const auto& point : seed) across.cover(point.x), up.cover(point.y);
    }
  }
  constexpr double kLeft = 56, kWidth = 510, kHeight = 260;
  Svg svg(kWidth, kHeight + kFigureBottom, title + " over epochs");
  const Axis x = across.axis(kLeft, kWidth - kFigureRight), y = up.axis(kHeight, kFigureTop);
  svg.text({kLeft, 14}, title, Anchor::Start, "label");
  draw_height_axis(svg, y, x.from, x.to);
  for (const double tick : x.ticks(6)) {
    const bool whole = std::abs(tick - std::round(tick)) < 1e-6;
    if (whole && tick >= 0) svg.text({x.at(tick), kHeight + 18}, tick_text(tick), Anchor::Middle, "tick");
  }
  svg.text({(x.from + x.to) / 2, kHeight + 36}, "epoch", Anchor::Middle, "label");
  const auto placed = [&](const std::vector<PlotPoint>& points) {
    std::vector<PlotPoint> line;
    for (const auto& point : points) line.push_back({x.at(point.x), y.at(point.y)});
    return line;
  };
  for (const auto& series : all) {
    for (const auto& seed : series.seeds) {
      svg.path(placed(seed), {series.colour, 1, 0.45, series.dashes});
      if (seed.size() == 1) svg.dot(placed(seed).front(), 3, series.colour);
    }
    svg.path(placed(series.mean), {series.colour, 2.5, 1, series.dashes});
  }
  return svg.str();
}

}  // namespace lamina::engine
