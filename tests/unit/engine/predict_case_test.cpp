// Whole cases: geometry, checkpoints, ensembles, and labels that must not be seen.
#include "predict_fixture.hpp"

namespace lamina::engine::testing {

namespace {

bool same_place(const Geometry& a, const Geometry& b) {
  return a.spacing == b.spacing && a.origin == b.origin && a.direction == b.direction && a.header == b.header &&
         a.format == b.format;
}

double dice(const torch::Tensor& a, const torch::Tensor& b) {
  return 2.0 * (a & b).sum().item<double>() / (a.sum().item<double>() + b.sum().item<double>());
}

torch::Tensor centre_of(const torch::Tensor& mask) { return mask.nonzero().to(at::kDouble).mean(0); }

}  // namespace

TEST_F(Predicting, EqualsTheNetworkOnEveryVoxelWithoutPreparation) {
  const Predictor predictor({checkpoint("run")}, *registry);
  const Case raw = blocks();
  const Volume labels = predictor.predict(raw);
  EXPECT_EQ(labels.voxels.scalar_type(), at::kByte);
  EXPECT_TRUE(at::equal(labels.voxels.to(at::kFloat), expected(raw)));
  EXPECT_TRUE(same_place(labels.geometry, raw.images.primary().geometry));
}

TEST_F(Predicting, ReturnsToTheInputsGridThroughCropAndResample) {
  const std::string prepare = R"(prepare=[{"type":"crop_nonzero"},{"type":"resample","spacing":[2.0,1.0,0.9]}])";
  const Predictor predictor({checkpoint("run", {prepare})}, *registry);
  Case raw = blocks();
  raw.images.primary().voxels.clamp_max_(10);  // two classes: a border between 20 and 0 would look like class 1
  raw.images.primary().geometry.header = std::make_shared<const std::string>("the file's own header");
  const torch::Tensor wanted = expected(raw);
  const Volume labels = predictor.predict(raw);
  EXPECT_TRUE(same_place(labels.geometry, raw.images.primary().geometry));
  ASSERT_EQ(labels.voxels.sizes(), wanted.sizes());
  const torch::Tensor found = labels.voxels == 1, truth = wanted == 1;
  EXPECT_GT(dice(found, truth), 0.9);
  EXPECT_LT((centre_of(found) - centre_of(truth)).abs().max().item<double>(), 0.1);
  EXPECT_EQ(labels.voxels.narrow(2, 0, 6).max().item<int>(), 0);
}

TEST_F(Predicting, TakesTheWeightsOfTheCheckpoint) {
  const Predictor predictor({checkpoint("run", {}, 3)}, *registry);  // centres 0, 30, 60
  const Case raw = blocks();
  EXPECT_TRUE(at::equal(predictor.predict(raw).voxels.to(at::kFloat), (raw.images.primary().voxels / 30).round()));
}

TEST_F(Predicting, AveragesTheLogitsOfSeveralCheckpoints) {
  const Case raw = blocks();
  const Predictor both({checkpoint("one"), checkpoint("two", {}, 3)}, *registry);
  const torch::Tensor image = raw.images.primary().voxels, centres = at::arange(3).view({3, 1, 1, 1}) * 10;
  const torch::Tensor logits = -(image - centres).square() - (image - centres * 3).square();
  EXPECT_TRUE(at::equal(both.predict(raw).voxels.squeeze(0).to(at::kLong), logits.argmax(0)));
}

TEST_F(Predicting, RefusesCheckpointsThatDoNotPrepareAlike) {
  const auto one = checkpoint("one"),
             other = checkpoint("two", {"train.patch=[2,16,16]", "prepare=[\"crop_nonzero\"]"});
  try {
    Predictor({one, other}, *registry);
    FAIL() << "they were taken together";
  } catch (const ConfigError& error) {
    const std::string words = error.what();
    EXPECT_NE(words.find("differ in prepare ([] and [{"), std::string::npos) << words;
    EXPECT_NE(words.find("train.patch ([4,16,16] and [2,16,16])"), std::string::npos) << words;
  }
}

TEST_F(Predicting, NamesTheChannelsThatItExpects) {
  Case two = blocks();
  two.images.primary().voxels = two.images.primary().voxels.expand({2, -1, -1, -1});
  try {
    Predictor({checkpoint("run")}, *registry).predict(two);
    FAIL() << "two channels were taken for one";
  } catch (const DataError& error) {
    EXPECT_STREQ(error.what(), "case blocks has 2 channels, expected 1 (CT), as in training");
  }
}

TEST_F(Predicting, NeverShowsLabelsToTheNetwork) {
  const Experiment one = experiment();
  const auto model = initial_model(one, info, *registry);
  const Predictor predictor(model, one, info, fitted(one), *registry);
  const torch::Tensor blind = predictor.predict(blocks(false)).voxels;
  EXPECT_TRUE(at::equal(predictor.predict(blocks(true)).voxels, blind));
  EXPECT_TRUE(at::equal(predictor.predict_prepared(blocks(true)).voxels, blind));
  EXPECT_FALSE(dynamic_cast<NearestCentre&>(model->decoder()).saw_labels);
  EXPECT_FALSE(predictor.uses_ground_truth());
}

TEST_F(Predicting, ShowsLabelsToAnOracleAlone) {
  const Experiment one = experiment({"model.prompter=peeking"});
  const auto model = initial_model(one, info, *registry);
  const Predictor predictor(model, one, info, fitted(one), *registry);
  EXPECT_TRUE(predictor.uses_ground_truth());
  EXPECT_NO_THROW(predictor.predict(blocks(true)));
  EXPECT_THROW(predictor.predict(blocks(false)), Error);
  EXPECT_FALSE(dynamic_cast<NearestCentre&>(model->decoder()).saw_labels);
}

TEST_F(Predicting, MakesNoGraphAndStaysUsableForTraining) {
  const Experiment one = experiment();
  const auto model = initial_model(one, info, *registry);
  const Predictor predictor(model, one, info, fitted(one), *registry);
  predictor.predict(blocks());
  auto& centres = dynamic_cast<NearestCentre&>(model->decoder()).centres;
  EXPECT_FALSE(centres.is_inference());
  centres.sum().backward();
  EXPECT_TRUE(centres.grad().defined());
}

TEST_F(Predicting, TakesInferenceSettingsFromOverrides) {
  const Predictor predictor({checkpoint("run")}, *registry, {parse_override("infer.overlap=0")});
  EXPECT_EQ(predictor.experiment().resolved().at("infer").at("overlap").as_number(), 0);
  const int64_t more =
      Predictor({checkpoint("run")}, *registry, {parse_override("infer.batch=8")}).peak_bytes(blocks());
  EXPECT_GT(more, predictor.peak_bytes(blocks()));
}

TEST_F(Predicting, RemembersTheDataset) {
  info.ignore = 255;
  info.flip_axes = {"x", "y"};
  info.credit = "nobody";
  info.generated = true;
  const DatasetInfo back = dataset_info_from_node(dataset_info_to_node(info));
  EXPECT_EQ(dataset_info_to_node(back).dump(), dataset_info_to_node(info).dump());
  EXPECT_EQ(back.ignore, std::optional<int64_t>(255));
  EXPECT_EQ(back.flip_axes, info.flip_axes);
}

}  // namespace lamina::engine::testing
