// Draws heat maps.
#include "engine/report/heat_map.hpp"

#include "engine/report/plot_axis.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace lamina::engine {
namespace {

constexpr double kCellWidth = 64, kCellHeight = 28, kCharacter = 8;

double largest_gain(const HeatMap& map) {
  double largest = 0;
  for (const auto& row : map.cells) {
    for (const auto& cell : row) {
      if (std::isfinite(cell.gain)) largest = std::max(largest, std::abs(cell.gain));
    }
  }
  return largest;
}

size_t longest_name(const std::vector<std::string>& names) {
  size_t longest = 0;
  for (const auto& name : names) longest = std::max(longest, shortened(name).size());
  return longest;
}

void draw_cell(Svg& svg, PlotPoint corner, const HeatCell& cell, double largest, const std::string& tip) {
  const bool known = std::isfinite(cell.gain);
  const double share = known && largest > 0 ? cell.gain / largest : 0;
  svg.begin_group(tip);
  svg.box({corner.x + 1, corner.y + 1}, kCellWidth - 2, kCellHeight - 2, known ? diverging_colour(share) : "#e6e9eb");
  const std::string style =
      std::string("cell") + (std::abs(share) > 0.8 ? " light" : "") + (cell.strong ? " name" : "");
  svg.text({corner.x + kCellWidth / 2, corner.y + kCellHeight / 2 + 4.5}, cell.words + (cell.strong ? "*" : ""),
           Anchor::Middle, style);
  svg.end_group();
}

}  // namespace

std::string diverging_colour(double share) {
  constexpr std::array<double, 3> kWhite{255, 255, 255}, kBlue{0, 92, 158}, kOrange{176, 72, 0};
  const auto& end = share < 0 ? kOrange : kBlue;
  const double depth = std::min(1.0, std::abs(share));
  std::array<int, 3> mixed{};
  for (size_t i = 0; i < 3; ++i) mixed[i] = static_cast<int>(std::lround(kWhite[i] + depth * (end[i] - kWhite[i])));
  char digits[8];
  std::snprintf(digits, sizeof digits, "#%02x%02x%02x", mixed[0] & 255, mixed[1] & 255, mixed[2] & 255);
  return digits;
}

std::string draw_heat_map(const HeatMap& map) {
  const double names = 24 + kCharacter * static_cast<double>(longest_name(map.rows));
  const double longest = kCharacter * static_cast<double>(longest_name(map.columns));
  const bool slanted = longest > kCellWidth - 6;
  const double head = slanted ? 18 + longest * 0.71 : 26;
  const double width = names + kCellWidth * static_cast<double>(map.columns.size()) + (slanted ? longest * 0.71 : 8);
  Svg svg(width, head + kCellHeight * static_cast<double>(map.rows.size()) + 6, map.title, map.description);
  for (size_t k = 0; k < map.columns.size(); ++k) {
    const double x = names + kCellWidth * (static_cast<double>(k) + 0.5);
    if (slanted) {
      svg.slanted_text({x, head - 6}, shortened(map.columns[k]), "label");
    } else {
      svg.text({x, head - 8}, map.columns[k], Anchor::Middle, "label");
    }
  }
  const double largest = largest_gain(map);
  for (size_t i = 0; i < map.rows.size(); ++i) {
    const double y = head + kCellHeight * static_cast<double>(i);
    svg.text({names - 10, y + kCellHeight / 2 + 4.5}, shortened(map.rows[i]), Anchor::End, "name");
    for (size_t k = 0; k < map.columns.size(); ++k) {
      draw_cell(svg, {names + kCellWidth * static_cast<double>(k), y}, map.cells[i][k], largest,
                map.rows[i] + ", " + map.columns[k] + ": " + map.cells[i][k].words);
    }
  }
  return svg.str();
}

}  // namespace lamina::engine
