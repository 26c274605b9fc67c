// Assembly: the build order, who sits where, and impossible combinations refused with their place.
#include "model_fakes.hpp"

#include <lamina/model/trainable.hpp>

namespace lamina {
namespace {

using ::testing::Contains;
using testing::diary;
using ::testing::ElementsAre;
using testing::fake_model;
using ::testing::HasSubstr;

std::string refusal(const std::string& rest) {
  std::string message;
  try {
    fake_model(rest);
  } catch (const ConfigError& error) {
    message = error.what();
  }
  EXPECT_NE(message, "") << "no ConfigError for " << rest;
  return message;
}

TEST(ModelBuild, AttachesEncoderAdaptersBeforeItSettlesAndTheOthersAtTheEnd) {
  diary().clear();
  fake_model(R"("decoder": "fake", "adapters": [{"type": "fake", "at": ["encoder.image", "decoder.head.*"]}])");
  EXPECT_THAT(diary(),
              ElementsAre("attach image with 0 features", "settle 2x16x16", "attach head.out with 2 features"));
}

TEST(ModelBuild, NamesParametersByRoomAdapterAndSite) {
  const auto model = fake_model(R"("decoder": "fake", "adapters": [{"type": "fake", "id": "depth"}])");
  const auto names = model->named_parameters().keys();
  for (const char* name :
       {"encoder.weight", "decoder.weight", "adapters.depth.shared", "adapters.depth.encoder/blocks/1/out.add"})
    EXPECT_THAT(names, Contains(name));
}

TEST(ModelBuild, KeepsOnlyFeaturesThatSomebodyNeeds) {
  EXPECT_EQ(fake_model()->wanted(), (NameSet{"fine"}));
  EXPECT_EQ(fake_model(R"("decoder": {"type": "fake", "feature": "*"})")->wanted(), (NameSet{"coarse", "fine"}));
}

TEST(ModelBuild, TellsWhoSitsAtEachSiteInOrder) {
  const auto model = fake_model(
      R"("decoder": "fake", "adapters": [{"type": "fake", "id": "a"}, {"type": "fake", "id": "b", "at": "encoder.blocks.{1..3}.out"}])");
  std::map<std::string, std::vector<std::string>> adapters;
  for (const auto& use : model->site_uses()) adapters[use.path] = use.adapters;
  EXPECT_EQ(adapters.size(), 4);
  EXPECT_THAT(adapters["encoder.blocks.0.out"], ElementsAre("a"));
  EXPECT_THAT(adapters["encoder.blocks.1.out"], ElementsAre("a", "b"));
  EXPECT_TRUE(adapters["decoder.head.out"].empty());
}

TEST(ModelBuild, RefusesAGlobWithoutASiteAndNamesTheNearest) {
  const std::string message = refusal(
      R"("decoder": "fake", "adapters": [{"type": "fake", "id": "depth", "at": ["encoder.image", "encoder.block.*.out"]}])");
  EXPECT_THAT(message, HasSubstr("model.adapters[depth].at[1]: 'encoder.block.*.out' matches no site"));
  EXPECT_THAT(message, HasSubstr("did you mean 'encoder.blocks.*.out'"));
}

TEST(ModelBuild, ToleratesDefaultGlobsAsLongAsOneMatches) {
  EXPECT_NO_THROW(fake_model(R"("decoder": "fake", "adapters": ["fake"])"));
}

TEST(ModelBuild, RefusesTwoAdaptersOfOneName) {
  EXPECT_THAT(refusal(R"("decoder": "fake", "adapters": ["fake", "fake"])"),
              HasSubstr("model.adapters[1].id: 'fake' is taken"));
}

TEST(ModelBuild, RefusesIdsThatWouldBreakParameterNames) {
  EXPECT_THAT(refusal(R"("decoder": "fake", "adapters": [{"type": "fake", "id": "a.b"}])"),
              HasSubstr("'a.b' must be one word"));
}

TEST(ModelBuild, SaysWhereAnAdapterCannotSit) {
  const std::string message =
      refusal(R"("decoder": "fake", "adapters": [{"type": "fake", "id": "x", "refuses": true}])");
  EXPECT_THAT(message, HasSubstr("model.adapters[x] cannot sit at encoder.blocks.0.out: no room here"));
}

TEST(ModelBuild, RefusesPromptsThatTheDecoderDoesNotTake) {
  const std::string message = refusal(R"("prompter": {"type": "none", "points": true}, "decoder": "fake")");
  EXPECT_THAT(message, HasSubstr("model.decoder: 'fake' does not take the points that the prompter 'none' makes"));
  EXPECT_NO_THROW(
      fake_model(R"("prompter": {"type": "none", "points": true}, "decoder": {"type": "fake", "points": true})"));
}

TEST(ModelBuild, RefusesAMissingFeatureAndNamesTheNearest) {
  const std::string message = refusal(R"("decoder": {"type": "fake", "feature": "fin"})");
  EXPECT_THAT(
      message,
      HasSubstr("model.decoder: needs the feature 'fin', which the encoder does not offer (did you mean 'fine'?)"));
  EXPECT_THAT(message, HasSubstr("it offers: fine, coarse"));
}

TEST(ModelBuild, RefusesAModelWithoutADecoder) {
  EXPECT_THAT(refusal(R"("prompter": "none")"), HasSubstr("model.decoder: missing"));
}

TEST(Trainable, GlobsDecideAndNothingElse) {
  const auto model = fake_model(R"("decoder": "fake", "adapters": ["fake"])");
  set_trainable(*model, {"adapters.**", "decoder.norm.*"});
  for (const auto& item : model->named_parameters()) {
    const bool expected = item.key().starts_with("adapters.") || item.key().starts_with("decoder.norm.");
    EXPECT_EQ(item.value().requires_grad(), expected) << item.key();
  }
  const auto counts = count_parameters(*model);
  ASSERT_EQ(counts.size(), 5);
  EXPECT_EQ(counts[1].room, "adapters");
  EXPECT_EQ(counts[1].trainable, 3);
  EXPECT_EQ(counts[4].room, "total");
  EXPECT_EQ(counts[4].total, 7);
  EXPECT_EQ(counts[4].trainable, 5);
  set_trainable(*model, {});
  EXPECT_EQ(count_parameters(*model)[4].trainable, 0);
}

TEST(Trainable, RefusesAGlobWithoutAParameter) {
  const auto model = fake_model();
  const std::string message = testing::message_of([&] { set_trainable(*model, {"encoder.**", "decoder.norms.*"}); });
  EXPECT_THAT(
      message,
      HasSubstr("train.trainable[1]: 'decoder.norms.*' matches no parameter (did you mean 'decoder.norm.**'?)"));
}

TEST(ModelMode, FrozenPartsStayInEvalAndPartsWithoutParametersFollowTheirParent) {
  const auto model = fake_model();
  const auto training = [&](const std::string& name) { return model->named_modules()[name]->is_training(); };
  set_trainable(*model, {"decoder.weight"});
  model->set_mode(Mode::Train);
  EXPECT_FALSE(training("encoder"));
  EXPECT_TRUE(training("decoder"));
  EXPECT_TRUE(training("decoder.dropout"));
  EXPECT_FALSE(training("decoder.norm"));  // its running statistics must not move
  model->set_mode(Mode::Infer);
  EXPECT_FALSE(training("decoder.dropout"));
}

}  // namespace
}  // namespace lamina
