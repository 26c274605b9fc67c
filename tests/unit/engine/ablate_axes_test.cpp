// Studies with axes, from the file to the plan.
#include "study_fixture.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/io/volume_io.hpp>

#include <algorithm>

#include <torch/utils.h>

namespace lamina::engine::testing {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

namespace {

/// A MaskSAM with lora's and depth_conv's sites, small enough to be built in no time.
constexpr const char* kSmallMaskSam = R"({
  "schema": 1, "name": "masksam_small",
  "dataset": {"type": "nnunet_raw", "root": "Dataset052_Small", "split": {"file": "splits.json", "fold": 0}},
  "prepare": [{"id": "norm", "type": "zscore"}],
  "model": {"encoder": {"type": "sam_vit", "size": "custom", "embed_dim": 16, "depth": 2, "heads": 2, "patch_size": 4,
                        "window": 2, "global_blocks": [1], "out_channels": 8},
            "adapters": [{"id": "stem", "type": "conv_stem", "at": ["encoder.image"]},
                         {"id": "depth", "type": "depth_conv", "ratio": 0.25, "at": ["encoder.blocks.*.attn.out"]}],
            "prompter": {"type": "masksam", "queries": 24, "box": "mean", "mask_prompt": "soft", "class_token": "sum", "channels": [8, 8, 4]},
            "decoder": {"type": "mask_classifier", "heads": 2, "mlp_channels": 16, "upscale_channels": [4, 4]}},
  "train": {"trainable": ["adapters.**", "prompter.**", "decoder.classifier_*.**"], "patch": [4, 16, 16], "batch": 1,
            "epochs": 2, "iterations": 2},
  "loss": {"type": "set_match", "points": 0, "weights": {"class": 0.2, "mask": 1.2, "dice": 1.2, "aux_mask": 0.5, "aux_l1": 0.5, "aux_giou": 0.2}, "no_object": 0.1},
  "infer": {"type": "sliding_window", "overlap": 0.5, "weights": "gaussian", "tta": "none"},
  "evaluate": {"metrics": ["dice", {"type": "nsd", "tolerance_mm": 1.0}, "hd95"], "empty": "nnunet"},
  "seed": 1})";

/// A paper's table of components, a rank sweep and an axis that costs no training.
constexpr const char* kComponents = R"({
  "schema": 1, "name": "masksam_components", "baseline": "masksam_small.json",
  "axes": {
    "adapter": {"levels": {"depth_conv": {}, "none": {"model.adapters": {"$remove": ["depth"]}},
                "lora": {"model.adapters[depth]": {"id": "depth", "type": "lora", "rank": 8, "parts": ["q", "v"], "at": ["encoder.blocks.*.attn.qkv"]}}}, "default": "depth_conv"},
    "lora_rank": {"path": "model.adapters[depth].rank", "values": [4, 8, 16], "default": 8, "when": "adapter == 'lora'"},
    "aux_box": {"levels": {"on": {}, "off": {"model.prompter.box": "mask", "loss.weights.aux_l1": 0, "loss.weights.aux_giou": 0}}, "default": "on"},
    "queries": {"path": "model.prompter.queries", "values": [16, 24, 50], "default": 24},
    "tta": {"path": "infer.tta", "values": ["none", "mirror"], "default": "none"}},
  "design": {"type": "one_factor"}, "repeats": {"seeds": [1, 2, 3], "folds": [0]},
  "compare": {"primary": "dice", "secondary": ["nsd"], "unit": "group", "ci": "bootstrap", "B": 10000, "test": "wilcoxon",
              "correction": "holm", "rope": 0.005}})";

std::vector<std::string> arm_names(const Plan& plan) {
  std::vector<std::string> all;
  for (const auto& arm : plan.arms) all.push_back(arm.arm.name);
  return all;
}

}  // namespace

class AxesTest : public StudyTest {
 protected:
  AxesTest() {
    const auto data = folder / "Dataset052_Small";
    make_folder(data / "imagesTr");
    make_folder(data / "labelsTr");
    write_file(data / "dataset.json", R"({"channel_names": {"0": "CT"}, "labels": {"background": 0, "a": 1, "b": 2},
      "numTraining": 3, "file_ending": ".nii.gz", "name": "small"})");
    for (const std::string id : {"c0", "c1", "c2"}) {
      write_image(data / "imagesTr" / (id + "_0000.nii.gz"), {torch::rand({1, 4, 16, 16}), {}});
      write_labels(data / "labelsTr" / (id + ".nii.gz"), {torch::ones({1, 4, 16, 16}, torch::kInt64), {}});
    }
    write_file(
        data / "splits.json",
        R"([{"train": ["c0"], "val": ["c1"], "test": ["c2"]}, {"train": ["c1"], "val": ["c2"], "test": ["c0"]}])");
    write_file(folder / "masksam_small.json", kSmallMaskSam);
    write_file(folder / "masksam_components.json", kComponents);
  }

  /// A study on the tiny phantom with these keys.
  Plan plan_of(const std::string& keys) const {
    write_file(folder / "axes.json", R"({"schema": 1, "baseline": "tiny.json", )" + keys + "}");
    return make_plan(load("axes.json"), how(), registry);
  }
};

TEST_F(AxesTest, AComponentTableWithARankSweepPlansNineArms24TrainingsAnd27Inferences) {
  const Study study = load("masksam_components.json");
  const Plan plan = make_plan(study, how(), registry);
  EXPECT_THAT(arm_names(plan),
              ElementsAre("baseline", "adapter=lora", "adapter=none", "aux_box=off", "adapter=lora,lora_rank=4",
                          "adapter=lora,lora_rank=16", "queries=16", "queries=50", "tta=mirror"));
  EXPECT_THAT(plan.cells, SizeIs(27));
  const PlanCounts counts = count_work(plan);
  EXPECT_EQ(counts.trainings, 24);
  EXPECT_EQ(counts.inferences, 27);
  EXPECT_EQ(counts.shared, 3);
  EXPECT_EQ(study.compare.rules().draws, 10000);
  EXPECT_EQ(study.compare.rules().margin, 0.005);
  const ConfigNode lora = plan.arms[1].experiment.resolved().at("model").at("adapters").at(1);
  EXPECT_EQ(lora.at("type").as_text(), "lora");
  EXPECT_EQ(plan.arms[2].experiment.resolved().at("model").at("adapters").size(), 1u);
}

TEST_F(AxesTest, EveryFoldHasItsRuns) {
  const Study study = load("masksam_components.json", {"train.epochs=1"});
  write_file(folder / "two.json",
             R"({"schema": 1, "base": ["masksam_components.json"], "repeats": {"seeds": [1], "folds": [0, 1]}})");
  const Plan plan = make_plan(load("two.json"), how(), registry);
  EXPECT_THAT(plan.cells, SizeIs(18));
  EXPECT_EQ(plan.cells.back().cell.fold, 1);
  EXPECT_NE(plan.cells.front().cell.run, plan.cells[9].cell.run);
  EXPECT_EQ(plan.cells[9].experiment.resolved().at("dataset").at("split").at("fold").as_integer(), 1);
  const ConfigNode node = plan_to_node(study, plan);
  EXPECT_EQ(node.at("cells").at(17).at("fold").as_integer(), 1);
}

TEST_F(AxesTest, ADefaultThatTheBaselineLacksIsRefused) {
  EXPECT_THAT([&] { plan_of(R"("axes": {"epochs": {"path": "train.epochs", "values": [1, 4], "default": 4}})"); },
              ThrowsMessage<ConfigError>(AllOf(HasSubstr("axes.epochs.default"), HasSubstr("train.epochs is 2"))));
  EXPECT_THAT(
      [&] {
        plan_of(R"("axes": {
      "residual": {"path": "model.encoder.residual", "values": [false, true], "default": false},
      "epochs": {"path": "train.epochs", "values": [1, 4], "default": 4, "when": "residual == true"}})");
      },
      ThrowsMessage<ConfigError>(AllOf(HasSubstr("the arm 'residual=true'"), HasSubstr("train.epochs is 2"))));
}

TEST_F(AxesTest, EqualExperimentsRunOnceAndThePlanSaysSo) {
  const Plan plan = plan_of(R"("axes": {
      "overlap": {"path": "infer.overlap", "values": [0.5, 0], "default": 0.5},
      "window": {"levels": {"wide": {}, "none": {"infer.overlap": 0}}, "default": "wide"}})");
  EXPECT_THAT(arm_names(plan), ElementsAre("baseline", "overlap=0"));
  ASSERT_THAT(plan.dropped, SizeIs(1));
  EXPECT_EQ(plan.dropped[0].name, "window=none");
  EXPECT_EQ(plan.dropped[0].reason, "the same experiment as 'overlap=0'");
}

TEST_F(AxesTest, ListedArmsStandBesideTheDesign) {
  const Plan plan = plan_of(R"("axes": {"overlap": {"path": "infer.overlap", "values": [0.5, 0], "default": 0.5}},
      "arms": [{"name": "residual", "set": {"model.encoder.residual": true}}], "constraints": ["overlap < 1"])");
  EXPECT_THAT(arm_names(plan), ElementsAre("baseline", "overlap=0", "residual"));
}

TEST_F(AxesTest, ABudgetIsKept) {
  const std::string axis =
      R"("axes": {"overlap": {"path": "infer.overlap", "values": [0.5, 0.25, 0], "default": 0.5}}, "seeds": [1, 2], )";
  EXPECT_THAT([&] { plan_of(axis + R"("budget": {"max_runs": 5})"); },
              ThrowsMessage<ConfigError>(AllOf(HasSubstr("plans 6 runs"), HasSubstr("max_runs is 5"))));
  const Plan plan = plan_of(axis + R"("budget": {"max_runs": 6, "epochs": 7})");
  for (const auto& cell : plan.cells) EXPECT_EQ(cell.experiment.options().train.epochs, 7);
}

TEST_F(AxesTest, DesignsThatDoNotFitTheFileAreRefused) {
  EXPECT_THAT([&] { plan_of(R"("design": {"type": "grid"})"); },
              ThrowsMessage<ConfigError>(HasSubstr("there are none")));
  EXPECT_THAT([&] { plan_of(R"("design": {"type": "gird"}, "axes": {})"); },
              ThrowsMessage<ConfigError>(HasSubstr("grid")));
  EXPECT_THAT([&] { plan_of(R"("repeats": {"seeds": [1, 1]})"); },
              ThrowsMessage<ConfigError>(HasSubstr("a seed is named twice")));
  EXPECT_THAT([&] { plan_of(R"("axes": {"e": {"path": "train.epochz", "values": [1, 2], "default": 2}})"); },
              ThrowsMessage<ConfigError>(HasSubstr("epochs")));
}

TEST_F(AxesTest, PairsAreComparedWithinThemselves) {
  const Plan plan = plan_of(R"("axes": {
      "overlap": {"path": "infer.overlap", "values": [0.5, 0], "default": 0.5},
      "residual": {"path": "model.encoder.residual", "values": [false, true], "default": false}},
      "design": {"type": "paired", "pairs": [[{}, {"overlap": 0}], [{"residual": true}, {"residual": true, "overlap": 0}]]})");
  EXPECT_THAT(plan.arms, SizeIs(4));
  EXPECT_EQ(plan_to_node(load("axes.json"), plan).at("arms").at(3).at("against").as_text(), "residual=true");
}

TEST_F(AxesTest, RunsADesignToItsReport) {
  write_file(folder / "axes.json", R"({"schema": 1, "name": "small", "baseline": "tiny.json",
      "axes": {"overlap": {"path": "infer.overlap", "values": [0.5, 0], "default": 0.5}}, "seeds": [1, 2], "compare": {"draws": 200}})");
  const StudyResult result = run_study(load("axes.json"), how(), registry);
  EXPECT_THAT(result.failures, ::testing::IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(folder / "runs" / "small" / result.cells[1].run.filename()));
  EXPECT_THAT(result.cells[1].run.filename().string(), HasSubstr("overlap=0-s1-"));
  EXPECT_THAT(read_file(result.report), HasSubstr("overlap=0"));
  const ConfigNode stats = ConfigNode::parse(read_file(result.folder / "stats.json"));
  EXPECT_EQ(stats.at("arms").at(1).at("metrics").at("dice").at("difference").at("seeds").as_integer(), 2);
}

}  // namespace lamina::engine::testing
