// Slices of a volume as the bytes that SAM takes: grey levels by a window, three times or with both neighbours.
#pragma once

#include <lamina/data/case.hpp>

#include <array>
#include <optional>
#include <string>

namespace lamina::engine {

struct GreyWindow {
  /// centre, width in the image's own units.
  std::optional<std::array<double, 2>> window;
  /// Without a window: shares of the volume's voxels, in percent, that become 0 and 255.
  std::array<double, 2> percentiles{0.5, 99.5};
  /// Red, green, blue are the slice before, the slice, the slice behind.
  bool neighbours = false;
  bool operator==(const GreyWindow&) const = default;
};

/// "window 40,400", "percentiles 0.5,99.5, neighbours": what stands in files.
std::string to_text(const GreyWindow& window);

class SlicePictures {
 public:
  /// A plane of three or more channels with values 0..255 is taken for a picture and stays as it is; of other images
  /// the first channel counts.
  SlicePictures(Volume volume, const GreyWindow& window);

  /// Axis 0, 1, 2: z, y, x.
  int64_t count(int axis) const { return volume_.voxels.size(1 + axis); }
  /// Bytes [3, height, width]: axis 0 [y, x], 1 [z, x], 2 [z, y]. Error for a slice that is not there.
  torch::Tensor picture(int axis, int64_t index) const;
  const Volume& volume() const { return volume_; }
  const GreyWindow& window() const { return window_; }
  std::array<double, 2> levels() const { return {low_, high_}; }  ///< that become 0 and 255

 private:
  torch::Tensor grey(int axis, int64_t index) const;

  Volume volume_;
  GreyWindow window_;
  bool colour_;
  double low_ = 0, high_ = 255;
};

/// The axis called z, y or x. ConfigError otherwise.
int axis_of(const std::string& name);

}  // namespace lamina::engine
