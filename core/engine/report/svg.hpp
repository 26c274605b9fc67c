// A small writer of SVG pictures.
#pragma once

#include <sstream>
#include <string>
#include <vector>

namespace lamina::engine {

/// Text made safe between tags and in attributes.
std::string escape_markup(const std::string& plain);

enum class Anchor { Start, Middle, End };

struct Stroke {
  std::string colour = "currentColor";
  double width = 1, opacity = 1;
  std::string dashes;  // "4 3"; "" for a solid line
};

struct PlotPoint {
  double x, y;
};

/// Coordinates are in user units; the picture scales with the page. `title` and `description` are its text alternative.
class Svg {
 public:
  Svg(double width, double height, const std::string& title, const std::string& description = "");

  void line(PlotPoint from, PlotPoint to, const Stroke& stroke);
  /// Breaks where a coordinate is not finite.
  void path(const std::vector<PlotPoint>& points, const Stroke& stroke);
  void dot(PlotPoint centre, double radius, const std::string& fill, double opacity = 1, const std::string& tip = "");
  void box(PlotPoint corner, double width, double height, const std::string& fill, double opacity = 1);
  void frame(PlotPoint corner, double width, double height, const Stroke& stroke);
  void diamond(PlotPoint centre, double radius, const std::string& fill);
  void text(PlotPoint at, const std::string& words, Anchor anchor = Anchor::Start, const std::string& style = "");
  /// Runs up to the right from `at`: the head of a narrow column.
  void slanted_text(PlotPoint at, const std::string& words, const std::string& style = "");
  /// What is drawn until end_group() shows `tip` under the pointer.
  void begin_group(const std::string& tip);
  void end_group();
  std::string str() const;

 private:
  std::ostringstream body_;
  double width_, height_;
  std::string title_, description_;
};

/// Round numbers that cover [low, high] in about `count` steps.
std::vector<double> nice_ticks(double low, double high, int count);
/// Shortest text of a tick: "0.25", "40".
std::string tick_text(double value);

}  // namespace lamina::engine
