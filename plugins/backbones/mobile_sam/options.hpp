// Sizes and options of MobileSAM's image encoder.
#pragma once

#include <lamina/options/binder.hpp>

#include <optional>
#include <string>
#include <vector>

namespace lamina {

struct MobileSamOptions {
  std::string size = "mobile_sam";
  std::vector<int64_t> channels, depths, heads, windows, strides;
  std::optional<int64_t> out_channels;
  bool checkpoint = false;
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

namespace mobile_sam {

/// The numbers behind a size, with what the options say on top; one entry per stage.
struct Dimensions {
  std::vector<int64_t> channels, depths, heads, windows;
  std::vector<int64_t> strides;  ///< of the merges between stages, so one less
  int64_t out_channels = 256;

  size_t stages() const { return channels.size(); }
  /// Pixels along a side of a cell of the grid that comes out of a stage; without one: of the embedding's.
  int64_t cell_behind(size_t stage) const;
  int64_t cell() const { return cell_behind(stages() - 1); }
};

Dimensions dimensions_of(const MobileSamOptions& options);

}  // namespace mobile_sam
}  // namespace lamina
