// A table of numbers as coloured cells.
#pragma once

#include <limits>
#include <string>
#include <vector>

namespace lamina::engine {

struct HeatCell {
  double gain = std::numeric_limits<double>::quiet_NaN();  // above zero is good, and blue; below is orange
  std::string words;                                       // printed in the cell
  bool strong = false;                                     // bold, with a star
};

struct HeatMap {
  std::string title, description;
  std::vector<std::string> rows, columns;
  std::vector<std::vector<HeatCell>> cells;  // by row; a cell without a gain is grey
};

/// Colours run from the largest loss to the largest gain of the map, white at zero. The numbers stand in the cells, so
/// that nothing is lost in grey.
std::string draw_heat_map(const HeatMap& map);
/// "#rrggbb" of a share from -1 to 1.
std::string diverging_colour(double share);

}  // namespace lamina::engine
