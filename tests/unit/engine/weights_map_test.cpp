// Names of published weights and lamina's own: every name of SAM's and of MaskSAM's state dicts finds its parameter.
#include "training_fixture.hpp"

#include "engine/predict/dataset_info.hpp"
#include "engine/train/initial_model.hpp"
#include "engine/weights/name_map.hpp"
#include "engine/weights/pretrained.hpp"

#include <lamina/model/safetensors.hpp>

#include <set>

namespace lamina::engine::testing {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

using Names = std::set<std::string>;

class WeightsMaps : public TrainingTest {
 protected:
  std::shared_ptr<Model> build(const std::string& section, const ModelSetup& setup) const {
    return Model::build(registry, ConfigNode::parse(section), setup);
  }
  DatasetInfo balls() const { return Balls({}, {}).info(); }

  /// The tiny model of these tests, its weights in a file beside the experiment.
  StateDict write_weights(const std::string& file) const {
    StateDict state;
    for (const auto& [name, tensor] : kept_weights(*initial_model(experiment(), balls(), registry), "all"))
      state[name] = tensor.detach().clone() + 1;
    write_safetensors(folder / file, state);
    return state;
  }
};

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

TEST_F(WeightsMaps, OpenWhatTrainingProgramsWrapAroundWeights) {
  const torch::Tensor one = torch::ones({1});
  const StateDict nnunet{{"network_weights.sam_model.image_encoder.pos_embed", one},
                         {"network_weights.image_decoder_stages.0.convs.0.all_modules.0.weight", one},
                         {"network_weights.image_decoder_stages.0.convs.0.conv.weight", one},
                         {"optimizer_state.lr", one}};
  const Renamed opened = rename(nnunet, "masksam");
  EXPECT_EQ(opened.state.size(), 2U);
  EXPECT_TRUE(opened.state.contains("encoder.pos_embed"));
  EXPECT_TRUE(opened.state.contains("prompter.image_decoder_stages.0.convs.0.conv.weight"));
  EXPECT_EQ(opened.dropped.size(), 2U);
  const Renamed parallel = rename({{"module.image_encoder.pos_embed", one}, {"module.pixel_mean", one}}, "sam");
  EXPECT_TRUE(parallel.state.contains("encoder.pos_embed"));
  EXPECT_EQ(parallel.dropped, (std::vector<std::string>{"pixel_mean"}));
  EXPECT_TRUE(rename({{"module.weight", one}}, "none").state.contains("module.weight"));
}

TEST_F(WeightsMaps, AreNamedWhereOneIsUnknown) {
  EXPECT_THAT([] { rename({}, "masksm"); },
              ThrowsMessage<ConfigError>(AllOf(HasSubstr("there is no map 'masksm' (did you mean 'masksam'?)"),
                                               HasSubstr("there are: none, sam, hf_sam, sam_hq, mobile_sam, masksam"))));
  EXPECT_THAT(
      [] {
        rename({{"encoder.a", torch::ones(1)}, {"image_encoder.a", torch::zeros(1)}}, "sam");
      },
      ThrowsMessage<DataError>(HasSubstr("makes 'encoder.a' of two names")));
  EXPECT_THAT([&] { experiment({R"(weights=[{"file":"a.safetensors","map":"smm"}])"}); },
              ThrowsMessage<ConfigError>(HasSubstr("masksam")));
}

TEST_F(WeightsMaps, LeaveOutWhatIsSkipped) {
  const StateDict state = write_weights("all.safetensors");
  const auto load = [&](const std::string& skip) {
    return initial_model(experiment({R"(weights=[{"file":"all.safetensors","skip":[")" + skip + "\"]}]"}), balls(),
                         registry);
  };
  const StateDict loaded = kept_weights(*load("decoder.**"), "all");
  for (const auto& [name, tensor] : loaded)
    EXPECT_EQ(same(tensor, state.at(name)), name.starts_with("encoder.")) << name;
  EXPECT_THAT([&] { load("decodre.**"); }, ThrowsMessage<ConfigError>(HasSubstr("skip 'decodre.**' names nothing")));
}

TEST_F(WeightsMaps, SayWhenClassesDiffer) {
  StateDict state = write_weights("three.safetensors");
  std::string layer;
  for (auto& [name, tensor] : state) {
    if (!name.starts_with("decoder.") || tensor.size(0) != 3) continue;
    tensor = torch::cat({tensor, tensor.narrow(0, 0, 1)});
    layer = name;
  }
  ASSERT_NE(layer, "");
  write_safetensors(folder / "four.safetensors", state);
  const auto load = [&] { initial_model(experiment({R"(weights=[{"file":"four.safetensors"}])"}), balls(), registry); };
  EXPECT_THAT(load,
              ThrowsMessage<ConfigError>(AllOf(
                  HasSubstr("four.safetensors was trained for 4 classes and the dataset has 3"), HasSubstr(layer))));
}

TEST_F(WeightsMaps, TakeACheckpointForWeights) {
  run("a", {"train.epochs=1", "train.ema=0.5"});
  const std::string file = checkpoint_file(RunFolder(folder / "a").checkpoints(), "last").string();
  const auto model = initial_model(experiment({R"(weights=[{"file":")" + file + "\"}]"}), balls(), registry);
  const StateDict expected = weights_in(checkpoint("a"), Weights::Averaged);
  for (const auto& [name, tensor] : kept_weights(*model, "all")) EXPECT_TRUE(same(tensor, expected.at(name))) << name;
}

TEST_F(WeightsMaps, ACheckpointOfOtherClassesIsRefusedInOneSentence) {
  run("a", {"train.epochs=1"});
  DatasetInfo more = balls();
  more.classes.push_back("shell");
  const auto model = initial_model(experiment(), more, registry);
  EXPECT_THAT([&] { restore_weights(*model, checkpoint("a"), Weights::Trained); },
              ThrowsMessage<DataError>(HasSubstr("trained for 3 classes and the dataset has 4 (background included)")));
}

}  // namespace lamina::engine::testing
