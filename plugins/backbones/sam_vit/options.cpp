// The sizes of SAM's image encoder, and what must hold between its options.
#include "options.hpp"

#include <lamina/base/text.hpp>

#include <map>
#include <set>

namespace lamina {
namespace sam_vit {
namespace {

// base, large and huge are SAM's own; tiny and small are for training from scratch.
const std::map<std::string, Dimensions>& sizes() {
  static const std::map<std::string, Dimensions> table{
      {"tiny", {96, 4, 3, 4, 4, 64, 0, {1, 3}}},
      {"small", {256, 8, 8, 8, 8, 128, 0, {1, 3, 5, 7}}},
      {"base", {768, 12, 12, 16, 14, 256, 64, {2, 5, 8, 11}}},
      {"large", {1024, 24, 16, 16, 14, 256, 64, {5, 11, 17, 23}}},
      {"huge", {1280, 32, 16, 16, 14, 256, 64, {7, 15, 23, 31}}},
      {"custom", {}},
  };
  return table;
}

}  // namespace

Dimensions dimensions_of(const SamVitOptions& options) {
  Dimensions result = sizes().at(options.size);
  result.embed_dim = options.embed_dim.value_or(result.embed_dim);
  result.depth = options.depth.value_or(result.depth);
  result.heads = options.heads.value_or(result.heads);
  result.patch_size = options.patch_size.value_or(result.patch_size);
  result.window = options.window.value_or(result.window);
  result.out_channels = options.out_channels.value_or(result.out_channels);
  result.table = options.table.value_or(result.table);
  if (!options.global_blocks.empty()) result.global_blocks = options.global_blocks;
  return result;
}

}  // namespace sam_vit

void SamVitOptions::bind(OptionBinder& o) {
  o.field("size", size,
          "base, large, huge: SAM's own. tiny (4 blocks of 96 channels on patches of 4), small (8 blocks of 256 on "
          "patches of 8): for training from scratch. custom: give embed_dim, depth, heads and global_blocks. Every "
          "number below that is given replaces the size's own",
          OneOf{"tiny", "small", "base", "large", "huge", "custom"});
  o.field("embed_dim", embed_dim, "Channels of the tokens", AtLeast{1});
  o.field("depth", depth, "Number of blocks", AtLeast{1});
  o.field("heads", heads, "Attention heads; they divide embed_dim", AtLeast{1});
  o.field("patch_size", patch_size, "Pixels along a side of a token", AtLeast{1});
  o.field("window", window, "Tokens along a side of an attention window", AtLeast{1});
  o.field("global_blocks", global_blocks,
          "Blocks that attend to the whole slice, counted from 0; empty: the size's own", AtLeast{0});
  o.field("out_channels", out_channels, "Channels of the embedding (the neck's output)", AtLeast{1});
  o.field("table", table,
          "Tokens along a side of the grid that the position tables are made for; 0: the grid of the patch. SAM's: 64",
          AtLeast{0});
  o.field("position", position,
          "Where the grid is smaller than the table: resize it when weights are loaded, or take its top left part "
          "(MaskSAM; positions then span the whole table)",
          OneOf{"resize", "crop"});
  o.field("rel_pos", rel_pos,
          "Tables of relative position of global blocks: resized once when weights are loaded, or in every forward",
          OneOf{"load", "runtime"});
  o.field("attention", attention,
          "tiled: some query rows at a time, little memory; plain: the formula, keeps every score. Same numbers",
          OneOf{"tiled", "plain"});
  o.field(
      "checkpoint", checkpoint,
      "Keep only the input of each block and compute it again in the backward pass: less memory, a third more time");
}

void SamVitOptions::check(OptionErrors& errors, const std::string& where) const {
  if (size == "custom") {
    std::vector<std::string> missing;
    if (!embed_dim) missing.emplace_back("embed_dim");
    if (!depth) missing.emplace_back("depth");
    if (!heads) missing.emplace_back("heads");
    if (global_blocks.empty()) missing.emplace_back("global_blocks");
    if (!missing.empty()) errors.add(where + ".size", text("custom needs ", join(missing), " as well"));
    if (!missing.empty()) return;
  }
  const sam_vit::Dimensions numbers = sam_vit::dimensions_of(*this);
  if (numbers.embed_dim % numbers.heads != 0) {
    errors.add(where + ".heads", text(numbers.heads, " heads do not divide embed_dim ", numbers.embed_dim));
  }
  std::set<int64_t> seen;
  for (const int64_t block : numbers.global_blocks) {
    if (block >= numbers.depth) {
      errors.add(where + ".global_blocks",
                 text("there is no block ", block, "; the encoder's ", numbers.depth, " are 0 to ", numbers.depth - 1));
    }
    if (!seen.insert(block).second) errors.add(where + ".global_blocks", text("block ", block, " stands twice"));
  }
}

}  // namespace lamina
