// The encoder's options and what must hold between them.
#include "unet_encoder.hpp"

#include <lamina/base/text.hpp>

namespace lamina {
namespace {

bool is_auto(const ConfigNode& node) { return node.is_string() && node.as_text() == "auto"; }

// "auto", or one list of two or three whole numbers >= 1 per stage.
void check_table(const ConfigNode& table, const UnetEncoderOptions& options, const std::string& path,
                 OptionErrors& errors) {
  if (is_auto(table)) return;
  bool fits = table.is_array() && table.size() > 0;
  for (size_t i = 0; fits && i < table.size(); ++i) {
    const ConfigNode row = table.at(i);
    fits = row.is_array() && static_cast<int64_t>(row.size()) == options.dimensions;
    for (size_t j = 0; fits && j < row.size(); ++j) fits = row.at(j).is_integer() && row.at(j).as_integer() >= 1;
  }
  if (!fits) {
    errors.add(path,
               text("expected \"auto\" or a list with ", options.dimensions, " whole numbers >= 1 per stage, like ",
                    options.dimensions == 3 ? "[[1, 1, 1], [1, 2, 2]]" : "[[1, 1], [2, 2]]"));
  } else if (!options.channels.empty() && table.size() != options.channels.size()) {
    errors.add(path, text("has ", table.size(), " stages, but channels has ", options.channels.size()));
  }
}

}  // namespace

void UnetEncoderOptions::bind(OptionBinder& o) {
  o.field("dimensions", dimensions, "2: slices one by one; 3: volumes", Range{2, 3});
  o.field("channels", channels,
          "Channels of each stage; empty: base_channels, doubled from stage to stage, for as many stages as the patch "
          "allows",
          AtLeast{1});
  o.field("base_channels", base_channels,
          "Channels of the first stage where channels is empty; at most 320 (3D) or 512 (2D) are reached", AtLeast{1});
  o.field("blocks", blocks,
          "Convolutions (residual: blocks) of each stage; one number for all. Empty: 2 convolutions, or 1, 3, 4, 6, 6, "
          "... blocks",
          AtLeast{1});
  o.field("kernels", kernels, "\"auto\", or the kernel of each stage as (z, y, x), or (y, x) in 2D");
  o.field("strides", strides, "\"auto\", or the stride of each stage; the first is usually 1");
  o.field("spacing", spacing,
          "Voxel spacing z, y, x for \"auto\": an axis twice as coarse as the finest one waits with pooling and wide "
          "kernels",
          Range{1e-6, 1e6});
  o.field("residual", residual, "Residual blocks behind a stem instead of plain convolutions");
  o.field("conv_bias", conv_bias, "Convolutions have a bias");
  o.field("memory_format", memory_format, "How activations lie in memory; results are the same",
          OneOf{"channels_last", "contiguous"});
}

void UnetEncoderOptions::check(OptionErrors& errors, const std::string& where) const {
  check_table(kernels, *this, where + ".kernels", errors);
  check_table(strides, *this, where + ".strides", errors);
  for (size_t i = 0; kernels.is_array() && errors.empty() && i < kernels.size(); ++i) {
    for (size_t j = 0; j < kernels.at(i).size(); ++j) {
      if (kernels.at(i).at(j).as_integer() % 2 == 0)
        errors.add(text(where, ".kernels[", i, "]"), "kernels must be odd");
    }
  }
  const size_t stages = !channels.empty() ? channels.size() : strides.is_array() ? strides.size() : 0;
  if (blocks.size() > 1 && blocks.size() != stages) {
    errors.add(where + ".blocks", text("has ", blocks.size(), " entries; expected one for all stages",
                                       stages ? text(", or ", stages) : std::string(", or as many as channels lists")));
  }
}

}  // namespace lamina
