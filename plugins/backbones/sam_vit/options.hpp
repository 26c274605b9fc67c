// Sizes and options of SAM's image encoder.
#pragma once

#include <lamina/options/binder.hpp>

#include <optional>
#include <string>
#include <vector>

namespace lamina {

struct SamVitOptions {
  std::string size = "base";
  std::optional<int64_t> embed_dim, depth, heads, patch_size, window, out_channels, table;
  std::vector<int64_t> global_blocks;
  std::string position = "resize", rel_pos = "load", attention = "tiled";
  bool checkpoint = false;
  void bind(OptionBinder& o);
  void check(OptionErrors& errors, const std::string& where) const;
};

namespace sam_vit {

/// The numbers behind a size, with what the options say on top.
struct Dimensions {
  int64_t embed_dim = 0, depth = 0, heads = 0, patch_size = 16, window = 14, out_channels = 256;
  int64_t table = 0;  ///< cells along a side of the pretrained position table; 0: those of the grid
  std::vector<int64_t> global_blocks;
};

Dimensions dimensions_of(const SamVitOptions& options);

}  // namespace sam_vit
}  // namespace lamina
