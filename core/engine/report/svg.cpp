// Writes SVG elements one by one.
#include "engine/report/svg.hpp"

#include <cmath>
#include <iomanip>

namespace lamina::engine {
namespace {

/// Two decimals are finer than a screen's pixel, and keep the file small.
std::string number(double value) {
  std::ostringstream out;
  out << std::round(value * 100) / 100;
  return out.str();
}

std::string stroke_attributes(const Stroke& stroke) {
  std::string words = " stroke=\"" + stroke.colour + "\" stroke-width=\"" + number(stroke.width) + "\"";
  if (stroke.opacity < 1) words += " stroke-opacity=\"" + number(stroke.opacity) + "\"";
  if (!stroke.dashes.empty()) words += " stroke-dasharray=\"" + stroke.dashes + "\"";
  return words;
}

std::string fill_attributes(const std::string& fill, double opacity) {
  std::string words = " fill=\"" + fill + "\"";
  if (opacity < 1) words += " fill-opacity=\"" + number(opacity) + "\"";
  return words;
}

const char* anchor_name(Anchor anchor) {
  if (anchor == Anchor::Middle) return "middle";
  return anchor == Anchor::End ? "end" : "start";
}

}  // namespace

std::string escape_markup(const std::string& plain) {
  std::string safe;
  for (const char c : plain) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

Svg::Svg(double width, double height, const std::string& title, const std::string& description)
    : width_(width), height_(height), title_(title), description_(description) {}

void Svg::line(PlotPoint from, PlotPoint to, const Stroke& stroke) {
  body_ << "<line x1=\"" << number(from.x) << "\" y1=\"" << number(from.y) << "\" x2=\"" << number(to.x) << "\" y2=\""
        << number(to.y) << "\"" << stroke_attributes(stroke) << "/>";
}

void Svg::path(const std::vector<PlotPoint>& points, const Stroke& stroke) {
  std::string data;
  bool pen_down = false;
  for (const auto& point : points) {
    if (!std::isfinite(point.x) || !std::isfinite(point.y)) {
      pen_down = false;
      continue;
    }
    data += (pen_down ? "L" : "M") + number(point.x) + " " + number(point.y);
    pen_down = true;
  }
  if (data.empty()) return;
  body_ << "<path fill=\"none\" stroke-linejoin=\"round\" d=\"" << data << "\"" << stroke_attributes(stroke) << "/>";
}

void Svg::dot(PlotPoint centre, double radius, const std::string& fill, double opacity, const std::string& tip) {
  body_ << "<circle cx=\"" << number(centre.x) << "\" cy=\"" << number(centre.y) << "\" r=\"" << number(radius) << "\""
        << fill_attributes(fill, opacity);
  if (tip.empty()) {
    body_ << "/>";
  } else {
    body_ << "><title>" << escape_markup(tip) << "</title></circle>";
  }
}

void Svg::box(PlotPoint corner, double width, double height, const std::string& fill, double opacity) {
  body_ << "<rect x=\"" << number(corner.x) << "\" y=\"" << number(corner.y) << "\" width=\"" << number(width)
        << "\" height=\"" << number(height) << "\"" << fill_attributes(fill, opacity) << "/>";
}

void Svg::frame(PlotPoint corner, double width, double height, const Stroke& stroke) {
  body_ << "<rect x=\"" << number(corner.x) << "\" y=\"" << number(corner.y) << "\" width=\"" << number(width)
        << "\" height=\"" << number(height) << "\" fill=\"none\"" << stroke_attributes(stroke) << "/>";
}

void Svg::diamond(PlotPoint centre, double radius, const std::string& fill) {
  body_ << "<path" << fill_attributes(fill, 1) << " d=\"M" << number(centre.x - radius) << " " << number(centre.y)
        << "L" << number(centre.x) << " " << number(centre.y - radius) << "L" << number(centre.x + radius) << " "
        << number(centre.y) << "L" << number(centre.x) << " " << number(centre.y + radius) << "Z\"/>";
}

void Svg::text(PlotPoint at, const std::string& words, Anchor anchor, const std::string& style) {
  body_ << "<text x=\"" << number(at.x) << "\" y=\"" << number(at.y) << "\" text-anchor=\"" << anchor_name(anchor)
        << "\"";
  if (!style.empty()) body_ << " class=\"" << style << "\"";
  body_ << ">" << escape_markup(words) << "</text>";
}

void Svg::slanted_text(PlotPoint at, const std::string& words, const std::string& style) {
  body_ << "<text transform=\"translate(" << number(at.x) << " " << number(at.y) << ") rotate(-45)\"";
  if (!style.empty()) body_ << " class=\"" << style << "\"";
  body_ << ">" << escape_markup(words) << "</text>";
}

void Svg::begin_group(const std::string& tip) { body_ << "<g><title>" << escape_markup(tip) << "</title>"; }

void Svg::end_group() { body_ << "</g>"; }

std::string Svg::str() const {
  std::ostringstream out;
  out << "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 " << number(width_) << " "
      << number(height_) << "\" style=\"--w:" << number(width_) << "px\"><title>" << escape_markup(title_)
      << "</title>";
  if (!description_.empty()) out << "<desc>" << escape_markup(description_) << "</desc>";
  out << body_.str() << "</svg>";
  return out.str();
}

std::vector<double> nice_ticks(double low, double high, int count) {
  if (!(high > low)) return {low};
  const double rough = (high - low) / count, power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * 0.999) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> ticks;
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; ++k)
    ticks.push_back(k == 0 ? 0 : k * step);
  return ticks;
}

std::string tick_text(double value) {
  std::ostringstream out;
  out << std::setprecision(6) << value;
  return out.str();
}

}  // namespace lamina::engine
