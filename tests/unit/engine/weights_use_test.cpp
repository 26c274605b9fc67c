// Files of weights in use: what other programs wrap around them, what is skipped, what does not fit.
#include "weights_map_fixture.hpp"

#include "engine/predict/dataset_info.hpp"
#include "engine/weights/name_map.hpp"
#include "engine/weights/pretrained.hpp"

namespace lamina::engine::testing {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

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
  EXPECT_THAT(
      [] { rename({}, "masksm"); },
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
