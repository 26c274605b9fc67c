// Axes, grids and names of figures.
#include "engine/report/plot_axis.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace lamina::engine {
namespace {

constexpr std::array<const char*, 8> kArmColours{"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                 "#E69F00", "#56B4E9", "#6A5ACD", "#7F7F7F"};

/// A shared beginning ends before a word or a number.
bool is_break(const std::string& id, size_t at) {
  const auto before = static_cast<unsigned char>(id[at - 1]), after = static_cast<unsigned char>(id[at]);
  return std::string("_-. /").find(static_cast<char>(before)) != std::string::npos ||
         (!std::isdigit(before) && std::isdigit(after));
}

std::vector<double> decade_ticks(double low, double high, int count) {
  std::vector<double> ticks;
  const bool fine = std::log10(high / low) * 3 <= count;
  for (double power = std::pow(10, std::floor(std::log10(low))); power <= high; power *= 10) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (factor > 1 && !fine) continue;
      if (factor * power >= low && factor * power <= high) ticks.push_back(factor * power);
    }
  }
  return ticks.size() < 3 ? nice_ticks(low, high, count) : ticks;
}

}  // namespace

double Axis::at(double value) const {
  const double share = logarithmic ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
  return from + share * (to - from);
}

std::vector<double> Axis::ticks(int count) const {
  return logarithmic ? decade_ticks(low, high, count) : nice_ticks(low, high, count);
}

void Extent::cover(double value) {
  if (!std::isfinite(value)) return;
  low = std::min(low, value);
  high = std::max(high, value);
}

Axis Extent::axis(double from, double to) const {
  const double span = high > low ? high - low : std::max(1e-3, std::abs(high) * 0.1);
  return {low - 0.06 * span, high + 0.06 * span, from, to};
}

Axis Extent::log_axis(double from, double to) const {
  const double room = std::max(std::pow(high / low, 0.08), 1.25);
  return {low / room, high * room, from, to, true};
}

void draw_value_axis(Svg& svg, const Axis& axis, double top, double bottom, int ticks) {
  for (const double tick : axis.ticks(ticks)) {
    svg.line({axis.at(tick), top}, {axis.at(tick), bottom}, kGridStroke);
    svg.text({axis.at(tick), bottom + 16}, tick_text(tick), Anchor::Middle, "tick");
  }
}

void draw_height_axis(Svg& svg, const Axis& axis, double left, double right, int ticks) {
  for (const double tick : axis.ticks(ticks)) {
    svg.line({left, axis.at(tick)}, {right, axis.at(tick)}, kGridStroke);
    svg.text({left - 6, axis.at(tick) + 4}, tick_text(tick), Anchor::End, "tick");
  }
}

std::string shortened(const std::string& name, size_t longest) {
  if (name.size() <= longest) return name;
  size_t end = longest - 1;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;  // no half UTF-8 character
  return text(name.substr(0, end), "\u2026");
}

std::string with_unit(const MetricInfo& metric) {
  return metric.unit.empty() ? metric.name : metric.name + ", " + metric.unit;
}

const MetricSummary* primary_of(const ArmSummary& arm, const StudySummary& study) {
  const auto found = arm.metrics.find(study.primary().name);
  return found == arm.metrics.end() ? nullptr : &found->second;
}

std::string arm_colour(size_t arm) { return kArmColours[arm % kArmColours.size()]; }

std::string arm_dashes(size_t arm) {
  static constexpr std::array<const char*, 4> kDashes{"", "7 4", "2 3", "9 3 2 3"};
  return kDashes[arm / kArmColours.size() % kDashes.size()];
}

ShortNames::ShortNames(const std::vector<std::string>& ids) {
  if (ids.size() < 2) return;
  size_t shared = ids.front().size();
  for (const auto& id : ids) {
    const auto differs = std::mismatch(ids.front().begin(), ids.front().end(), id.begin(), id.end()).first;
    shared = std::min(shared, static_cast<size_t>(differs - ids.front().begin()));
  }
  const auto ends_well = [&](const std::string& id) { return shared < id.size() && is_break(id, shared); };
  while (shared > 0 && !std::all_of(ids.begin(), ids.end(), ends_well)) --shared;
  prefix_ = ids.front().substr(0, shared);
}

}  // namespace lamina::engine
