// Recognises weights by a tensor that only one kind of model has.
#include "engine/weights/weights_kind.hpp"

#include "engine/weights/name_map.hpp"

#include <lamina/base/text.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace lamina::engine {
namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;  // by lamina's names

struct Sign {
  const char *map, *tensor, *family;
};
// Looked for in this order: Light HQ-SAM has MobileSAM's encoder, and every other one is a SAM with additions.
constexpr Sign kSigns[] = {{"mobile_sam", "image_encoder.patch_embed.seq.0.c.weight", "MobileSAM"},
                           {"masksam", "bbox_conv.0.weight", "MaskSAM"},
                           {"ma_sam", "image_encoder.FacTu.weight", "MA-SAM"},
                           {"h_sam", "mask_decoder2.mask_tokens.weight", "H-SAM"},
                           {"samed", "w_a_000", "SAMed"},
                           {"light_heads", "pe_layer.positional_encoding_gaussian_matrix", "a light head of AutoSAM"},
                           {"sam_hq", "mask_decoder.hf_token.weight", "HQ-SAM"},
                           {"sam", "image_encoder.pos_embed", "SAM"},
                           {"hf_sam", "vision_encoder.pos_embed", "SAM"}};

struct Size {
  int64_t width, depth;
  const char* name;
};
constexpr Size kSizes[] = {{768, 12, "ViT-B"}, {1024, 24, "ViT-L"}, {1280, 32, "ViT-H"}};

constexpr const char* kOwnRooms[] = {"encoder.", "decoder.", "prompter.", "adapters."};
constexpr const char* kHqToken = "decoder.hf_token.weight";

bool is_own(const std::string& name) {
  return std::ranges::any_of(kOwnRooms, [&](const std::string& room) { return name.starts_with(room); });
}

const Sign* sign_in(const std::vector<std::string>& names) {
  const auto* found = std::ranges::find_if(kSigns, [&](const Sign& sign) {
    return std::ranges::find(names, wrapping(names, sign.map) + sign.tensor) != names.end();
  });
  return found == std::end(kSigns) ? nullptr : found;
}

int64_t depth_of(const Shapes& shapes) {
  std::set<std::string> blocks;
  for (const auto& [name, shape] : shapes) {
    const auto parts = split(name, '.');
    if (parts.size() > 2 && parts[0] == "encoder" && parts[1] == "blocks") blocks.insert(parts[2]);
  }
  return static_cast<int64_t>(blocks.size());
}

/// " ViT-B", from the width of the position table and the number of blocks; "" where there are none.
std::string size_text(const Shapes& shapes) {
  const auto table = shapes.find("encoder.pos_embed");
  if (table == shapes.end() || table->second.empty()) return "";
  const int64_t width = table->second.back(), depth = depth_of(shapes);
  for (const Size& size : kSizes) {
    if (size.width == width && size.depth == depth) return text(" ", size.name);
  }
  return text(" with a ViT of width ", width, " and depth ", depth);
}

std::string variant_text(const Sign& sign, const Shapes& shapes) {
  const std::string map = sign.map;
  const bool hq = shapes.contains(kHqToken);
  if (map == "mobile_sam") return hq ? "Light HQ-SAM (MobileSAM's encoder)" : "MobileSAM";
  if (map == "hf_sam") return text(hq ? "HQ-SAM" : sign.family, size_text(shapes), ", transformers' names");
  return sign.family + size_text(shapes);
}

WeightsKind published(const WeightsList& list, const std::vector<std::string>& names, const Sign& sign) {
  WeightsKind kind{"", sign.map, list.foreign};
  const std::string prefix = wrapping(names, sign.map);
  Shapes shapes;
  for (const TensorEntry& entry : list.tensors) {
    const bool inside = entry.name.starts_with(prefix);
    const std::string ours = inside ? renamed(entry.name.substr(prefix.size()), sign.map) : "";
    if (is_own(ours)) {
      shapes[ours] = entry.shape;
    } else {
      kind.foreign.push_back(entry.name);
    }
  }
  kind.variant = variant_text(sign, shapes);
  return kind;
}

}  // namespace

WeightsKind kind_of(const WeightsList& list) {
  if (list.format == WeightsFormat::Checkpoint) return {"a checkpoint of lamina", "none", {}};
  std::vector<std::string> names;
  for (const TensorEntry& entry : list.tensors) names.push_back(entry.name);
  if (const Sign* sign = sign_in(names)) return published(list, names, *sign);
  const bool own = !names.empty() && std::ranges::all_of(names, is_own);
  return {own ? "a model of lamina" : "unknown", "none", list.foreign};
}

}  // namespace lamina::engine
