// Names of published weights and lamina's own: every name of SAM's and of MaskSAM's state dicts finds its parameter.
#include "weights_map_fixture.hpp"

#include "engine/predict/dataset_info.hpp"
#include "engine/weights/name_map.hpp"
#include "engine/weights/pretrained.hpp"

#include <set>

namespace lamina::engine::testing {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

using Names = std::set<std::string>;

void add(Names& names, const std::string& module, const std::vector<std::string>& parts = {"weight", "bias"}) {
  for (const auto& part : parts) names.insert(module + "." + part);
}

/// The names in segment-anything's ViT-B checkpoint, as methods and papers list them.
Names names_of_sam() {
  Names names{"image_encoder.pos_embed", "image_encoder.neck.0.weight", "image_encoder.neck.2.weight"};
  for (const char* module : {"patch_embed.proj", "neck.1", "neck.3"}) add(names, text("image_encoder.", module));
  for (int block = 0; block < 12; ++block) {
    const std::string prefix = text("image_encoder.blocks.", block, ".");
    for (const char* module : {"norm1", "attn.qkv", "attn.proj", "norm2", "mlp.lin1", "mlp.lin2"})
      add(names, prefix + module);
    add(names, prefix + "attn", {"rel_pos_h", "rel_pos_w"});
  }
  names.insert("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix");
  for (int i = 0; i < 4; ++i) add(names, text("prompt_encoder.point_embeddings.", i), {"weight"});
  for (const char* module : {"not_a_point_embed", "no_mask_embed"})
    add(names, text("prompt_encoder.", module), {"weight"});
  for (const int i : {0, 1, 3, 4, 6}) add(names, text("prompt_encoder.mask_downscaling.", i));
  const auto attention = [&](const std::string& module) {
    for (const char* part : {"q_proj", "k_proj", "v_proj", "out_proj"}) add(names, module + "." + part);
  };
  for (int layer = 0; layer < 2; ++layer) {
    const std::string prefix = text("mask_decoder.transformer.layers.", layer, ".");
    for (const char* module : {"self_attn", "cross_attn_token_to_image", "cross_attn_image_to_token"})
      attention(prefix + module);
    for (const char* module : {"norm1", "norm2", "norm3", "norm4", "mlp.lin1", "mlp.lin2"}) add(names, prefix + module);
  }
  attention("mask_decoder.transformer.final_attn_token_to_image");
  add(names, "mask_decoder.transformer.norm_final_attn");
  for (const char* module : {"iou_token", "mask_tokens"}) add(names, text("mask_decoder.", module), {"weight"});
  for (const int i : {0, 1, 3}) add(names, text("mask_decoder.output_upscaling.", i));
  for (int layer = 0; layer < 3; ++layer) {
    for (int i = 0; i < 4; ++i) add(names, text("mask_decoder.output_hypernetworks_mlps.", i, ".layers.", layer));
    add(names, text("mask_decoder.iou_prediction_head.layers.", layer));
  }
  return names;
}

/// What MaskSAM's ACDC release adds to them, beside its prompt generator.
Names additions_of_masksam() {
  Names names;
  const Names conv{"D_fc1.weight", "D_fc1.bias", "D_fc2.weight",    "D_fc2.bias",
                   "norm.weight",  "norm.bias",  "T_DWconv.weight", "T_DWconv.bias"};
  const Names mlp{"D_fc1.weight", "D_fc1.bias", "D_fc2.weight", "D_fc2.bias",
                  "T_fc1.weight", "T_fc1.bias", "T_fc2.weight", "T_fc2.bias"};
  const auto adapter = [&](const std::string& module, const Names& parts) {
    for (const auto& part : parts) names.insert("sam_model." + module + "." + part);
  };
  for (int block = 0; block < 12; ++block) {
    for (const char* module : {"Space_Adapter", "MLP_Adapter"})
      adapter(text("image_encoder.blocks.", block, ".", module), conv);
  }
  for (int layer = 0; layer < 2; ++layer) {
    const std::string prefix = text("mask_decoder.transformer.layers.", layer, ".");
    for (const char* module : {"Space_Queries_Adapter", "MLP_Queries_Adapter", "Cross_Space_Adapter1"})
      adapter(prefix + module, mlp);
    adapter(prefix + "Cross_Space_Adapter2", conv);
  }
  adapter("mask_decoder.transformer.Space_Adapter", mlp);
  for (const char* name :
       {"image_encoder.temporal_embedding", "prompt_encoder.temporal_embedding",
        "mask_decoder.classifier_token_Adapter.weight", "mask_decoder.classifier_embed_Adapter.weight",
        "mask_decoder.classifier_embed_Adapter.bias"})
    names.insert(text("sam_model.", name));
  for (const char* module : {"first_conv.0", "bbox_conv.0", "bbox_conv.1", "residual_classifier.0",
                             "residual_classifier.1", "image_decoder_seg_layers.2"})
    add(names, module);
  return names;
}

Names names_of(const Model& model) {
  Names names;
  for (const auto& [name, tensor] : state_of(model)) names.insert(name);
  return names;
}

TEST_F(WeightsMaps, SamsNamesAreExactlyThoseOfEncoderAndDecoder) {
  const auto model = build(R"({"encoder": {"type": "sam_vit", "size": "custom", "embed_dim": 8, "depth": 12, "heads": 2,
                                           "global_blocks": [2, 5, 8, 11], "out_channels": 16, "table": 4},
                               "adapters": [], "prompter": {"type": "none"},
                               "decoder": {"type": "sam_mask", "mlp_channels": 8}})",
                           {3, 2, {1, 64, 64}});
  const Names official = names_of_sam();
  EXPECT_EQ(official.size(), 314U);
  Names ours;
  for (const auto& name : official) ours.insert(renamed(name, "sam"));
  EXPECT_EQ(ours, names_of(*model));
}

// The encoder's names are compared with the released ones by its plugin's test.
TEST_F(WeightsMaps, MobileSamsNamesAreThoseOfEncoderAndDecoderAndItsClassifierIsLeftOut) {
  const auto model = build(R"({"encoder": {"type": "mobile_sam", "size": "tiny"}, "adapters": [],
                               "prompter": {"type": "none"}, "decoder": {"type": "sam_mask", "mlp_channels": 8}})",
                           {3, 2, {1, 64, 64}});
  StateDict file;
  for (const char* name : {"norm_head.weight", "norm_head.bias", "head.weight", "head.bias"})
    file[text("image_encoder.", name)] = torch::ones({1});
  for (const auto& [name, tensor] : state_of(model->encoder())) file["image_encoder." + name] = tensor;
  for (const auto& name : names_of_sam()) {
    if (!name.starts_with("image_encoder.")) file[name] = torch::ones({1});
  }
  const Renamed renamed = rename(file, "mobile_sam");
  EXPECT_EQ(renamed.dropped.size(), 4U);
  Names ours;
  for (const auto& [name, tensor] : renamed.state) ours.insert(name);
  EXPECT_EQ(ours, names_of(*model));
}

TEST_F(WeightsMaps, EveryAdditionOfMaskSamFindsItsParameter) {
  const ConfigNode paper =
      Experiment::load(
          std::string(LAMINA_TEST_SOURCE_DIR) + "/experiments/masksam_acdc_paper.json",
          {parse_override(
               R"(model.encoder={"type": "sam_vit", "size": "custom", "embed_dim": 8, "depth": 12, "heads": 2,
                         "global_blocks": [2, 5, 8, 11], "out_channels": 16, "table": 16})"),
           parse_override("model.decoder.mlp_channels=8"), parse_override("model.prompter.channels=[4,4,4]")},
          registry)
          .resolved()
          .at("model");
  const auto model = Model::build(registry, paper, {1, 4, {2, 64, 64}});
  const Names ours = names_of(*model);
  Names reached;
  for (const auto& name : additions_of_masksam()) {
    const std::string mine = renamed(name, "masksam");
    EXPECT_TRUE(ours.contains(mine)) << name << " became " << mine;
    reached.insert(mine);
  }
  for (const auto& name : names_of_sam()) {
    EXPECT_TRUE(ours.contains(renamed("sam_model." + name, "masksam"))) << name;
    reached.insert(renamed("sam_model." + name, "masksam"));
  }
  // What is left is the inside of stem and prompt generator, which the map moves by prefix.
  for (const auto& name : ours) {
    EXPECT_TRUE(reached.contains(name) || name.starts_with("adapters.stem.encoder/image.first_conv.") ||
                name.starts_with("prompter.image_decoder_"))
        << name;
  }
}

/// What SAM's prompt encoder and mask decoder are called with one token per class; `doublings` of its resolution.
Names names_of_class_decoder(int64_t classes, const std::vector<int>& upscaling) {
  Names names;
  for (const auto& name : names_of_sam()) {
    const bool classwise = name.find("output_hypernetworks") != std::string::npos;
    if (!name.starts_with("image_encoder.") && !classwise) names.insert(name);
  }
  for (int64_t i = 0; i < classes; ++i) {
    for (int layer = 0; layer < 3; ++layer)
      add(names, text("mask_decoder.output_hypernetworks_mlps.", i, ".layers.", layer));
  }
  for (const int i : upscaling) add(names, text("mask_decoder.output_upscaling.", i));
  return names;
}

/// As the sheets of MA-SAM and SAMed list them; three digits count the blocks, in SAMed q and v in turn.
Names names_of_ma_sam(int blocks, int64_t classes) {
  Names names = names_of_class_decoder(classes, {4, 6, 7, 9});
  for (const char* module : {"FacTu", "FacTv"}) add(names, text("image_encoder.", module), {"weight"});
  for (int block = 0; block < blocks; ++block) {
    for (const char* part : {"q", "v"}) names.insert(text(part, "_FacTs_00", block));
    const std::string prefix = text("image_encoder.ImageEncoderViT.blocks.", block, ".Block.adapter_");
    for (const char* place : {"", "_2"}) {
      for (const char* module : {"norm", "conv"}) add(names, prefix + module + place);
      for (const char* module : {"linear_down", "linear_up"}) add(names, prefix + module + place, {"weight"});
    }
  }
  return names;
}

Names names_of_samed(int blocks, int64_t classes) {
  Names names = names_of_class_decoder(classes, {});
  for (int i = 0; i < 2 * blocks; ++i) {
    for (const char* letter : {"a", "b"}) names.insert(text("w_", letter, "_00", i));
  }
  return names;
}

constexpr const char* kNarrowVit =
    R"(model.encoder={"type": "sam_vit", "size": "custom", "embed_dim": 32, "depth": 4, "heads": 2,
                      "global_blocks": [1, 3], "out_channels": 32, "table": 4})";

class AdaptedWeights : public WeightsMaps {
 protected:
  /// A published experiment on a narrow encoder of four blocks.
  std::shared_ptr<Model> narrow(const std::string& name, int64_t classes, const Size3& patch) const {
    std::vector<Override> overrides{parse_override(kNarrowVit), parse_override("model.decoder.mlp_channels=8")};
    const auto file = std::string(LAMINA_TEST_SOURCE_DIR) + "/experiments/" + name + ".json";
    return Model::build(registry, Experiment::load(file, overrides, registry).resolved().at("model"),
                        {1, classes, patch});
  }

  /// A file as the method saves it, with values of its own for every tensor of the model.
  StateDict released(const Model& model, const Names& names, const std::string& map) const {
    StateDict file;
    const StateDict own = state_of(model);
    for (const auto& name : names) {
      const auto found = own.find(renamed(name, map));
      EXPECT_NE(found, own.end()) << name << " became " << renamed(name, map);
      if (found != own.end()) file[name] = torch::randn(found->second.sizes());
    }
    return file;
  }

  void expect_filled(Model& model, const Names& names, const std::string& map) {
    const StateDict file = released(model, names, map);
    write_safetensors(folder / "released.safetensors", file);
    WeightsEntry entry;
    entry.file = "released.safetensors";
    entry.map = map;
    const LoadReport report = load_pretrained(model, entry, folder);
    const StateDict own = state_of(model);
    for (const auto& [name, tensor] : file) EXPECT_TRUE(same(own.at(renamed(name, map)), tensor)) << name;
    EXPECT_TRUE(report.unexpected.empty());
    for (const auto& name : report.missing) EXPECT_TRUE(name.starts_with("encoder.")) << name << " is not in the file";
  }
};

TEST_F(AdaptedWeights, WhatMaSamSavesFillsEverythingButTheFrozenEncoder) {
  const auto model = narrow("ma_sam_btcv_paper", 13, {5, 64, 64});
  const Names names = names_of_ma_sam(4, 13);
  Names ours;
  for (const auto& name : names) ours.insert(renamed(name, "ma_sam"));
  for (const auto& name : names_of(*model)) EXPECT_EQ(ours.contains(name), !name.starts_with("encoder.")) << name;
  expect_filled(*model, names, "ma_sam");
}

TEST_F(AdaptedWeights, WhatSamedSavesFillsEverythingButTheFrozenEncoder) {
  const auto model = narrow("samed_synapse_paper", 9, {1, 64, 64});
  const Names names = names_of_samed(4, 9);
  Names ours;
  for (const auto& name : names) ours.insert(renamed(name, "samed"));
  for (const auto& name : names_of(*model)) EXPECT_EQ(ours.contains(name), !name.starts_with("encoder.")) << name;
  expect_filled(*model, names, "samed");
}

/// H-SAM saves what SAMed does, its prompt encoder twice, and a second decoder with 30 tensors that it never uses.
Names names_of_h_sam(int blocks, int64_t classes) {
  Names names = names_of_samed(blocks, classes);
  for (const auto& name : names_of_samed(0, classes)) {
    if (name.starts_with("prompt_encoder.")) names.insert("prompt_encoder2" + name.substr(14));
  }
  const std::string second = "mask_decoder2.";
  const auto attention = [&](const std::string& module) {
    for (const char* part : {"q_proj", "k_proj", "v_proj", "out_proj"}) add(names, second + module + "." + part);
  };
  for (int layer = 0; layer < 2; ++layer) {
    const std::string prefix = text("transformer2.layers.", layer, ".");
    attention(prefix + "self_attn");
    for (const char* way : {"cross_attn_token_to_image", "cross_attn_image_to_token"}) {
      attention(prefix + way);
      for (int i = 1; i < 4; ++i) add(names, text(second, prefix, way, ".norm", i));
    }
    for (const char* module : {"norm1", "norm2", "norm3", "norm4", "mlp.lin1", "mlp.lin2"})
      add(names, second + prefix + module);
  }
  for (const char* module : {"transformer2.final_attn_token_to_image", "self_attn", "self_attn2"}) attention(module);
  for (const char* module : {"transformer2.norm_final_attn", "norm1", "norm2", "mlp.lin1", "mlp.lin2", "med_sel.0"})
    add(names, second + module);
  names.insert(second + "mask_tokens.weight");
  for (const int i : {0, 1, 3}) add(names, text(second, "output_upscaling.", i));
  for (const int i : {0, 1, 3, 4}) add(names, text(second, "skip_connect.", i));
  for (int64_t i = 0; i < classes; ++i) {
    for (int layer = 0; layer < 5; ++layer)
      add(names, text(second, "output_hypernetworks_mlps2.", i, ".layers.", layer));
  }
  for (int layer = 0; layer < 3; ++layer) add(names, text(second, "iou_prediction_head.layers.", layer));
  return names;
}

TEST_F(AdaptedWeights, WhatHSamSavesFillsEverythingButTheFrozenEncoder) {
  const auto model = narrow("h_sam_synapse_paper", 9, {1, 64, 64});
  Names names = names_of_h_sam(4, 9), ours;
  for (const auto& name : names) ours.insert(renamed(name, "h_sam"));
  for (const auto& name : names_of(*model)) EXPECT_EQ(ours.contains(name), !name.starts_with("encoder.")) << name;
  std::erase_if(names, [](const auto& name) { return name.starts_with("prompt_encoder2."); });
  expect_filled(*model, names, "h_sam");
}

// A released ViT head has everything of the model; SAM's own file brings its positions under the prompt encoder's name.
TEST_F(AdaptedWeights, LightHeadsTakeReleasedModelsAndSamsOwnFile) {
  const auto model = narrow("light_heads_acdc_paper", 4, {1, 64, 64});
  Names names;
  for (const auto& name : names_of(*model)) {
    const bool encoder = name.starts_with("encoder."), positions = name.starts_with("decoder.pe_layer.");
    names.insert(encoder ? "image_" + name : positions ? name.substr(8) : "mask_" + name);
  }
  expect_filled(*model, names, "light_heads");
  const char* table = "pe_layer.positional_encoding_gaussian_matrix";
  EXPECT_EQ(renamed(text("prompt_encoder.", table), "light_heads"), text("decoder.", table));
  for (const char* other : {"prompt_encoder.no_mask_embed.weight", "pixel_mean"})
    EXPECT_EQ(renamed(other, "light_heads"), "");
}

TEST_F(AdaptedWeights, NumbersInNamesBecomeBlocks) {
  EXPECT_EQ(renamed("w_a_022", "samed"), "adapters.lora.encoder/blocks/11/attn/qkv.linear_a_q.weight");
  EXPECT_EQ(renamed("w_b_023", "samed"), "adapters.lora.encoder/blocks/11/attn/qkv.linear_b_v.weight");
  EXPECT_EQ(renamed("q_FacTs_009", "ma_sam"), "adapters.fact.encoder/blocks/9/attn/qkv.q_FacTs.weight");
  for (const char* none : {"w_a_", "w_a_0x1", "w_a", "w_c_000", "w_a_1234567890"})
    EXPECT_EQ(renamed(none, "samed"), none);
}

// The recipe's first file: SAM's own, whose tokens, perceptrons and quality head are left aside.
TEST_F(AdaptedWeights, SamsWeightsGoIntoThePublishedModels) {
  for (const auto& [name, patch] :
       {std::pair<const char*, Size3>{"ma_sam_btcv_paper", {5, 64, 64}}, {"samed_synapse_paper", {1, 64, 64}}}) {
    const auto model = narrow(name, 9, patch);
    StateDict file;
    for (const auto& [own, tensor] : state_of(*model)) {
      if (own.starts_with("encoder.")) file["image_encoder." + own.substr(8)] = torch::randn(tensor.sizes());
      if (own.starts_with("decoder.prompt_encoder.")) file[own.substr(8)] = torch::randn(tensor.sizes());
      if (own.starts_with("decoder.transformer.")) file["mask_" + own] = torch::randn(tensor.sizes());
    }
    for (const auto& part : {"output_upscaling.0.weight", "output_upscaling.0.bias", "output_upscaling.1.weight",
                             "output_upscaling.1.bias", "output_upscaling.3.weight", "output_upscaling.3.bias"})
      file[text("mask_decoder.", part)] = torch::randn(state_of(*model).at(text("decoder.", part)).sizes());
    file["mask_decoder.iou_token.weight"] = torch::randn({1, 32});
    file["mask_decoder.mask_tokens.weight"] = torch::randn({4, 32});
    file["mask_decoder.iou_prediction_head.layers.2.weight"] = torch::randn({4, 32});
    write_safetensors(folder / "sam.safetensors", file);
    const auto experiment =
        Experiment::load(std::string(LAMINA_TEST_SOURCE_DIR) + "/experiments/" + name + ".json", {}, registry);
    WeightsEntry entry = experiment.options().weights.at(0);
    entry.file = "sam.safetensors";
    const LoadReport report = load_pretrained(*model, entry, folder);
    const StateDict own = state_of(*model);
    EXPECT_TRUE(same(own.at("decoder.output_upscaling.3.weight"), file.at("mask_decoder.output_upscaling.3.weight")))
        << name;
    EXPECT_TRUE(same(own.at("encoder.blocks.2.attn.qkv.weight"), file.at("image_encoder.blocks.2.attn.qkv.weight")))
        << name;
  }
}

}  // namespace lamina::engine::testing
