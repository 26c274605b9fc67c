// What the report's figures share: axes, grid lines, names that fit, arms told apart.
#pragma once

#include "engine/report/comparison.hpp"
#include "engine/report/svg.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace lamina::engine {

/// A wide figure with the arms' names on its left.
inline constexpr double kFigureWidth = 640, kFigureNames = 170, kFigureRight = 24, kFigureTop = 26, kFigureBottom = 44;
inline const Stroke kGridStroke{"currentColor", 1, 0.15, ""}, kZeroStroke{"currentColor", 1.5, 0.6, ""};

/// Values to picture units; `logarithmic` axes take positive values only.
struct Axis {
  double low, high, from, to;
  bool logarithmic = false;
  double at(double value) const;
  /// Round numbers inside, about `count`; powers of ten and their 2 and 5 fold on a logarithmic axis that is long
  /// enough.
  std::vector<double> ticks(int count) const;
};

struct Extent {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  void cover(double value);
  bool empty() const { return low > high; }
  /// Room on both sides, and never an interval of no length.
  Axis axis(double from, double to) const;
  /// For positive values.
  Axis log_axis(double from, double to) const;
};

/// Vertical grid lines from `top` to `bottom` with their numbers below.
void draw_value_axis(Svg& svg, const Axis& axis, double top, double bottom, int ticks = 5);
/// Horizontal grid lines from `left` to `right` with their numbers on the left.
void draw_height_axis(Svg& svg, const Axis& axis, double left, double right, int ticks = 5);

/// At most `longest` characters.
std::string shortened(const std::string& name, size_t longest = 22);
/// "hd95, mm".
std::string with_unit(const MetricInfo& metric);
/// The arm's primary metric; null without a result.
const MetricSummary* primary_of(const ArmSummary& arm, const StudySummary& study);

/// Colour of the n-th arm: the Okabe-Ito palette, told apart by colour-blind readers and in grey.
std::string arm_colour(size_t arm);
/// Dashes of the n-th arm's lines: "" for the first eight, then patterns, because the colours come again.
std::string arm_dashes(size_t arm);

/// Case ids without the beginning that all share: "case_003" and "case_014" become "003" and "014".
class ShortNames {
 public:
  explicit ShortNames(const std::vector<std::string>& ids);
  std::string of(const std::string& id) const { return id.substr(prefix_.size()); }
  const std::string& prefix() const { return prefix_; }

 private:
  std::string prefix_;
};

}  // namespace lamina::engine
