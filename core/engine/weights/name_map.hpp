// Names of published weights, translated to lamina's.
#pragma once

#include <lamina/data/tensors.hpp>

#include <string>
#include <vector>

namespace lamina::engine {

/// Every map there is:
///   none     names stay as they are
///   sam      segment-anything's state dict: image_encoder, mask_decoder, prompt_encoder
///   hf_sam   transformers' SamModel and SamHQModel: vision_encoder, mask_decoder, prompt_encoder
///   sam_hq   HQ-SAM's state dict: SAM's and 25 tensors of its mask decoder, which keep their names behind `decoder.`
///   mobile_sam  MobileSAM's: TinyViT for an encoder, its classifier left aside
///   masksam  a MaskSAM state dict. Adapters are expected under the ids stem, depth_pos, enc_attn, enc_mlp, dec_tokens,
///            dec_mlp, dec_keys and dense_pos, as in experiments/masksam_acdc_paper.json.
///   samed    what SAMed saves: LoRA (expected under the id lora), prompt encoder and mask decoder; no encoder
///   ma_sam   what MA-SAM saves: FacT (id fact), 3D adapters (id depth), prompt encoder and mask decoder; no encoder
///   h_sam    what H-SAM saves: as SAMed, and its second mask decoder; the model has "compat": "release"
///   light_heads  Hu et al.'s models, and for their decoders SAM's own file or a checkpoint of a model with prompts:
///            positions come from its prompt encoder
const std::vector<std::string>& name_maps();

struct Renamed {
  StateDict state;
  std::vector<std::string> dropped;  ///< names of the file that no model has (constants, optimizer states)
};

/// Names that no rule of the map knows stay as they are. Every map but "none" first opens what training programs wrap
/// around weights: "network_weights." and the like before some names, "module." before all. ConfigError where there is
/// no such map; DataError where two names with different values become one.
Renamed rename(const StateDict& state, const std::string& map);

/// What rename() opens: the start that a file's names have around the map's own ones, "" where there is none.
std::string wrapping(const std::vector<std::string>& names, const std::string& map);

/// The tensors whose names begin with `prefix`, without it.
StateDict behind(const std::string& prefix, const StateDict& state);

/// One name by a map's rules, "" where it is dropped.
std::string renamed(const std::string& name, const std::string& map);

}  // namespace lamina::engine
