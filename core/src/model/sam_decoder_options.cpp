#include <lamina/model/sam_decoder_options.hpp>

namespace lamina {

void SamDecoderOptions::bind(OptionBinder& o) {
  o.field("depth", depth, "Layers of the two-way transformer", AtLeast{1});
  o.field("heads", heads, "Attention heads; twice their number must divide the embedding's channels", AtLeast{1});
  o.field("mlp_channels", mlp_channels, "Hidden width of the transformer's MLPs", AtLeast{1});
  o.field("upscale_channels", upscale_channels,
          "Channels behind each doubling of the resolution; empty: a quarter of the embedding's, then half each time",
          AtLeast{1});
}

}  // namespace lamina
