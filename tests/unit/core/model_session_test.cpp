// One forward: who runs when, who sees labels, refine rounds, injected features, weights by name.
#include "model_fakes.hpp"

#include <lamina/model/session.hpp>

namespace lamina {
namespace {

using testing::diary;
using ::testing::ElementsAre;
using testing::fake_model;
using ::testing::HasSubstr;

Batch small_batch() { return testing::noise_batch(2, 1, {2, 8, 8}, 3); }

TEST(Session, RunsTheRoomsInOrder) {
  const auto model = fake_model(R"("decoder": "fake", "adapters": ["fake"])");
  diary().clear();
  const Prediction prediction = forward(*model, Mode::Infer, small_batch());
  EXPECT_THAT(diary(), ElementsAre("begin 0 image", "encode image with no labels", "begin 1 image",
                                   "prompt with no labels", "begin 2 image", "decode with no labels"));
  EXPECT_TRUE(prediction.aux.contains("mean"));
  EXPECT_EQ(prediction.outputs.primary().classes.sizes(), (std::vector<int64_t>{2, 3, 2, 8, 8}));
}

TEST(Session, AdaptersActOnTheOutput) {
  const Batch batch = small_batch();
  const auto plain = forward(*fake_model(), Mode::Infer, batch).outputs.primary().classes;
  const auto adapted =
      forward(*fake_model(R"("decoder": "fake", "adapters": [{"type": "fake", "add": 0.5}])"), Mode::Infer, batch)
          .outputs.primary()
          .classes;
  EXPECT_LE(testing::largest_difference(adapted, plain + 2 * 0.5), 1e-6);  // two blocks
}

TEST(Session, EncodesEveryStream) {
  Batch batch = small_batch();
  batch.images.set("context", torch::zeros({2, 1, 2, 8, 8}));
  diary().clear();
  const auto outputs = forward(*fake_model(), Mode::Infer, batch).outputs;
  EXPECT_THAT(diary()[1], HasSubstr("encode image"));
  EXPECT_THAT(diary()[2], HasSubstr("encode context"));
  EXPECT_EQ(outputs.at("context").classes.abs().max().item<double>(), 0);
}

TEST(Session, LabelsAreSeenOnlyByThoseWhoDeclaredIt) {
  const auto seen = [](const std::string& labels, Mode mode) {
    const auto model = fake_model(R"("prompter": {"type": "none", "labels": ")" + labels + R"("}, "decoder": "fake")");
    diary().clear();
    forward(*model, mode, small_batch());
    EXPECT_THAT(diary(), ::testing::Contains("decode with no labels"));
    return diary()[1];
  };
  EXPECT_EQ(seen("never", Mode::Train), "prompt with no labels");
  EXPECT_EQ(seen("training", Mode::Train), "prompt with labels");
  EXPECT_EQ(seen("training", Mode::Infer), "prompt with no labels");
  EXPECT_EQ(seen("oracle", Mode::Infer), "prompt with labels");
}

TEST(Session, RefineDecodesAgainAndKeepsEarlierRounds) {
  const auto model = fake_model(R"("prompter": {"type": "none", "rounds": 2}, "decoder": "fake")");
  diary().clear();
  const Prediction prediction = forward(*model, Mode::Infer, small_batch());
  EXPECT_EQ(prediction.rounds.size(), 2);
  EXPECT_THAT(diary(), ElementsAre("encode image with no labels", "prompt with no labels", "decode with no labels",
                                   "refine 0 after 0 rounds", "decode with no labels", "refine 1 after 1 rounds",
                                   "decode with no labels"));
}

TEST(Session, InjectedFeaturesReplaceTheEncoder) {
  const auto model = fake_model();
  const Batch batch = small_batch();
  const auto expected = forward(*model, Mode::Infer, batch).outputs.primary().classes;
  Session first(*model, Mode::Infer);
  first.encode(batch);
  Session second(*model, Mode::Infer);
  diary().clear();
  second.inject(batch, first.scene().features);
  EXPECT_TRUE(torch::equal(second.decode().outputs.primary().classes, expected));
  EXPECT_THAT(diary().front(), HasSubstr("prompt"));
}

TEST(Session, GivenPromptsReplaceThePrompter) {
  const auto model = fake_model();
  Session session(*model, Mode::Infer);
  session.encode(small_batch());
  diary().clear();
  session.give(Streams<Prompts>(Prompts{}));
  session.decode();
  EXPECT_THAT(diary(), ElementsAre("decode with no labels"));
}

TEST(Session, TorchErrorsNameTheRoomWithoutAStack) {
  const auto model = fake_model(R"("decoder": {"type": "fake", "fails": true})");
  const std::string message = testing::message_of([&] { forward(*model, Mode::Infer, small_batch()); });
  EXPECT_THAT(message, HasSubstr("the decoder failed: "));
  EXPECT_THAT(message, Not(HasSubstr("Exception raised from")));
}

TEST(Session, RefusesABatchOfTheWrongShape) {
  Batch batch;
  batch.images.set(kPrimaryStream, torch::zeros({2, 1, 8, 8}));
  EXPECT_THAT(testing::message_of([&] { forward(*fake_model(), Mode::Infer, batch); }),
              HasSubstr("image 'image': got the shape [2, 1, 8, 8]"));
  const auto model = fake_model();
  EXPECT_THAT(testing::message_of([&] { Session(*model, Mode::Infer).decode(); }),
              HasSubstr("encode() or inject() comes before"));
}

TEST(Scene, RandomStreamsDependOnSeedEpochAndSampleAlone) {
  const auto draw = [](uint64_t seed, int64_t epoch, int64_t sample) {
    const auto model = fake_model();
    Session session(*model, Mode::Train, seed, epoch);
    Batch batch = small_batch();
    batch.sample = {99, sample};
    session.encode(batch);
    return session.scene().random(1).bits();
  };
  EXPECT_EQ(draw(1, 2, 3), draw(1, 2, 3));
  EXPECT_NE(draw(1, 2, 3), draw(2, 2, 3));
  EXPECT_NE(draw(1, 2, 3), draw(1, 3, 3));
  EXPECT_NE(draw(1, 2, 3), draw(1, 2, 4));
}

TEST(Scene, StateIsKeptPerOwner) {
  Scene scene(Mode::Infer);
  int a = 0, b = 0;
  scene.state<int>(&a) = 3;
  EXPECT_EQ(scene.state<int>(&a), 3);
  EXPECT_EQ(scene.state<int>(&b), 0);
}

TEST(Weights, StrictLoadingListsEverythingAndChangesNothing) {
  const auto model = fake_model();
  StateDict state = state_of(*model);
  for (auto& [name, tensor] : state) tensor = torch::full_like(tensor, 7);
  state["encoder.weight"] = torch::zeros({2});
  state.erase("decoder.weight");
  state["decoder.extra"] = torch::zeros({1});
  const std::string message = testing::message_of([&] { load_state_strictly(*model, state, "w.safetensors"); });
  EXPECT_THAT(message, HasSubstr("w.safetensors does not fit this model"));
  EXPECT_THAT(message, HasSubstr("missing in the file (1): decoder.weight"));
  EXPECT_THAT(message, HasSubstr("unknown to the model (1): decoder.extra"));
  EXPECT_THAT(message, HasSubstr("encoder.weight: file [2], model [1]"));
  EXPECT_EQ(state_of(*model).at("decoder.norm.weight").item<float>(), 1);

  const LoadReport report = load_state(*model, state);
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(state_of(*model).at("decoder.norm.weight").item<float>(), 7);
  EXPECT_EQ(state_of(*model).at("decoder.weight").item<float>(), 1);
  EXPECT_THAT(report.summary(), HasSubstr("1 new, 1 ignored, 1 of another shape"));
}

TEST(Weights, ValuesAreCastToTheModelsType) {
  const auto model = fake_model();
  StateDict state = state_of(*model);
  for (auto& [name, tensor] : state) tensor = tensor.is_floating_point() ? tensor.to(torch::kFloat64) + 0.25 : tensor;
  load_state_strictly(*model, state, "w");
  EXPECT_EQ(state_of(*model).at("encoder.weight").scalar_type(), torch::kFloat32);
  EXPECT_EQ(state_of(*model).at("encoder.weight").item<float>(), 1.25);
}

}  // namespace
}  // namespace lamina
