// The options of MaskSAM's prompt generator.
#include "masksam.hpp"

#include "taps.hpp"

#include <lamina/base/text.hpp>

namespace lamina {

void MasksamOptions::bind(OptionBinder& o) {
  o.field("queries", queries, "Prompts per slice; 0: twice the classes, at least 8, rounded up to a multiple of 8",
          AtLeast{0});
  o.field("skips", skips,
          "Which taps (outputs of global-attention blocks) the stages take: all (with fewer taps than stages the "
          "shallowest serves again), none, or last_<k>: the k deepest");
  o.field(
      "extra_taps", extra_taps,
      "Taps beyond the stages: merged at the finest stage through its skip branch (shared) or branches of their own "
      "(separate), or not used (drop)",
      OneOf{"shared", "separate", "drop"});
  o.field("upsample", upsample, "How stages double their size: transposed convolution, or 1x1x1 and bilinear",
          OneOf{"transposed", "bilinear"});
  o.field("dimensions", dimensions, "3: kernels 3x3x3, slices see each other; 2: kernels 1x3x3, norms per slice",
          Range{2, 3});
  o.field(
      "base_channels", base_channels,
      "Channels of the coarsest stage, the following ones have 1/2, 1/2, 1/4, 1/4, ...; 0: as many as the embedding",
      AtLeast{0});
  o.field("channels", channels, "Channels of every stage, coarsest first; empty: from base_channels", AtLeast{1});
  o.field("stages", stages, "Number of stages, each twice as fine as the one before; 0: up to the patch", AtLeast{0});
  o.field("mask_prompt", mask_prompt,
          "How auxiliary masks become prompts: hard (0 or 1), soft (logits within +-10), logits (the same without "
          "gradient), none",
          OneOf{"hard", "soft", "logits", "none"});
  o.field("mask_bias", mask_bias,
          "Where the bias of the auxiliary masks starts; below 0: most pixels start as background");
  o.field("box", box, "Box prompts: mean of the regressed box and the box of the mask, one of the two, or none",
          OneOf{"mean", "regressed", "mask", "none"});
  o.field("box_grad", box_grad,
          "none: the decoder's gradient ends at the box; ste: it goes to the regressed box as if that were the prompt",
          OneOf{"none", "ste"});
  o.field("box_norm", box_norm, "Norm of the regressed boxes; instance takes the mean position of a query away",
          OneOf{"instance", "none"});
  o.field(
      "class_token", class_token,
      "Token from which the class is read: the decoder's plus the prompter's (sum), the prompter's alone (aux), the "
      "decoder's alone (global), or zeros (none)",
      OneOf{"sum", "aux", "global", "none"});
  o.field(
      "pool", pool,
      "Rows and columns of the map that is flattened into a class token; their product is the token's width. Empty: "
      "as square as possible",
      AtLeast{1});
  o.field("deep_supervision", deep_supervision, "Offers auxiliary masks of the coarser stages to the loss too");
  o.field("compat", compat, "release: as the released code does it (mask_prompt hard, box_grad none, whole pixels)",
          OneOf{"repaired", "release"});
}

void MasksamOptions::check(OptionErrors& errors, const std::string& where) const {
  if (!masksam::read_skips(skips))
    errors.add(where + ".skips", text("got '", skips, "', expected all, none or last_<k>, as last_2"));
  if (!pool.empty() && pool.size() != 2)
    errors.add(where + ".pool", text("got ", pool.size(), " numbers, expected rows and columns, as [16, 16]"));
  if (!channels.empty() && stages != 0 && static_cast<int64_t>(channels.size()) != stages)
    errors.add(where + ".channels", text("has ", channels.size(), " entries for ", stages, " stages"));
  if (box_grad == "ste" && box != "mean" && box != "regressed")
    errors.add(where + ".box_grad",
               text("'ste' needs a regressed box, and box is '", box, "'; take mean or regressed"));
  if (mask_prompt == "none" && box == "none" && (class_token == "global" || class_token == "none"))
    errors.add(where + ".mask_prompt", "is none, box too, and class_token adds nothing: all queries would be the same");
}

}  // namespace lamina
