// Experiments: defaults, required sections, all problems at once, provenance, lookup by name.
#include "experiment_fixture.hpp"

#include "engine/experiment/inspect.hpp"

#include <cstdlib>

namespace lamina::engine::testing {

using Experiments = ExperimentFiles;
using ::testing::Test;

TEST_F(Experiments, FillEveryDefaultIn) {
  const Experiment one = load("small.json");
  EXPECT_EQ(one.name(), "small");
  EXPECT_EQ(one.seed(), 1u);
  EXPECT_EQ(one.patch(), (std::array<int64_t, 3>{1, 32, 32}));
  const ConfigNode& full = one.resolved();
  EXPECT_EQ(full.at("infer").dump(), R"({"overlap":0.5,"type":"sliding_window"})");
  EXPECT_EQ(full.at("model").at("prompter").dump(), R"({"type":"none"})");
  EXPECT_EQ(full.at("train").at("optimizer").dump(), R"({"lr":0.001,"type":"adamw"})");
  EXPECT_EQ(full.at("evaluate").dump(), R"({"empty":"nnunet","metrics":[{"type":"dice"}]})");
  EXPECT_EQ(full.at("model").at("encoder").dump(), R"({"norm":"instance","type":"net","width":4})");
  EXPECT_EQ(full.at("loss").dump(), R"({"type":"dice_ce"})");
}

TEST_F(Experiments, ReadTheirOwnResolvedFormAgain) {
  const Experiment one = load("small.json");
  const Experiment again = Experiment::from_node(one.resolved(), folder, {}, *registry);
  EXPECT_EQ(again.resolved().dump(), one.resolved().dump());
  EXPECT_EQ(again.hashes(*registry, "data").evaluate, one.hashes(*registry, "data").evaluate);
}

TEST_F(Experiments, ReportAllProblemsOfAFileAtOnce) {
  write("bad.json", R"({"schema": 1, "dataset": {"type": "foldr"}, "trian": {}, "seed": -1,
    "prepare": [{"id": "a", "type": "zscore"}, {"id": "a", "type": "zscore"}],
    "model": {"encoder": {"type": "net", "widht": 3}, "decoder": {"type": "head"}},
    "train": {"patch": [1, 2], "epochs": "many"}, "weights": [{"fiel": "w"}]})");
  const std::string words = refusal([&] { load("bad.json", {"train.epoch=3"}); });
  for (const char* part : {"bad.json is wrong", "loss: is required", "unknown dataset 'foldr' (did you mean 'folder'?)",
                           "trian: unknown key (did you mean 'train'?)", "seed: ", "two entries have the id 'a'",
                           "model.encoder.widht: unknown key (did you mean 'width'?)", "train.epochs: expected",
                           "train.trainable: is missing", "train.patch: expected three sizes",
                           "weights[0].fiel: unknown key (did you mean 'file'?)",
                           "--set train.epoch=3: there is no 'epoch' in 'train' (did you mean 'epochs'?)"}) {
    EXPECT_NE(words.find(part), std::string::npos) << part << "\n  is not in:\n" << words;
  }
}

TEST_F(Experiments, RefuseAStudyInWords) {
  write("study.json", R"({"schema": 1, "name": "s", "baseline": "small.json"})");
  EXPECT_NE(refusal([&] { load("study.json"); }).find("lamina ablate"), std::string::npos);
}

TEST_F(Experiments, RefuseDuplicateKeysWithLineAndColumn) {
  write("twice.json", "{\"seed\": 1,\n \"seed\": 2}");
  EXPECT_NE(refusal([&] { load("twice.json"); }).find("twice.json:2:2: the key 'seed' is given twice"),
            std::string::npos);
}

TEST_F(Experiments, KnowWhoSetEachValue) {
  write("child.json", R"({"base": "small.json", "train": {"batch": 5}})");
  const Experiment one = load("child.json", {"train.epochs=9"});
  const auto& origins = one.provenance();
  EXPECT_EQ(origins.at("train.batch"), (folder / "child.json").string());
  EXPECT_EQ(origins.at("model.encoder.width"), (folder / "small.json").string());
  EXPECT_EQ(origins.at("model.adapters[depth].width"), (folder / "small.json").string());
  EXPECT_EQ(origins.at("train.epochs"), "--set train.epochs=9");
  EXPECT_EQ(origins.count("train.amp"), 0u);
}

TEST_F(Experiments, ExplainAValue) {
  const Experiment one = load("small.json", {"model.adapters[depth].width=7"});
  EXPECT_EQ(explain(one, "model.adapters[depth].width", *registry),
            "model.adapters[depth].width = 7\n  set by:   --set model.adapters[depth].width=7\n  meaning:  Channels\n"
            "  expected: an integer >= 1\n  default:  8\n");
  EXPECT_NE(explain(one, "infer", *registry).find("infer.overlap = 0.5  # default"), std::string::npos);
  EXPECT_NE(refusal([&] { explain(one, "train.epoch", *registry); }).find("(did you mean 'epochs'?)"),
            std::string::npos);
}

TEST_F(Experiments, DifferByPath) {
  const auto found = diff(load("small.json"), load("small.json", {"train.epochs=4", "~model.adapters[lora]"}));
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].path, "model.adapters[lora].ratio");
  EXPECT_EQ(found[0].right, "");
  EXPECT_EQ(found[2].path, "train.epochs");
  EXPECT_EQ(found[2].left + " " + found[2].right, "3 4");
}

TEST_F(Experiments, AreFoundByBareNameAndNearestNameIsNamed) {
  setenv("LAMINA_EXPERIMENTS", folder.c_str(), 1);
  EXPECT_EQ(find_experiment("small"), folder / "small.json");
  const std::string words = refusal([] { find_experiment("smal"); });
  unsetenv("LAMINA_EXPERIMENTS");
  EXPECT_NE(words.find("there is no experiment or study 'smal' (did you mean 'small'?)"), std::string::npos) << words;
  EXPECT_NE(words.find("known names: "), std::string::npos);
  EXPECT_NE(refusal([&] { find_experiment((folder / "smal.json").string()); }).find("(did you mean 'small.json'?)"),
            std::string::npos);
}

TEST_F(Experiments, HaveASchemaWithEveryComponent) {
  const ConfigNode schema = config_schema(*registry);
  const ConfigNode nets = schema.at("definitions").at("backbone").at("anyOf");
  ASSERT_EQ(nets.size(), 3u);  // the short form and two components
  EXPECT_EQ(nets.at(size_t{1}).at("properties").at("type").at("const").as_text(), "net");
  EXPECT_EQ(nets.at(size_t{1}).at("properties").at("width").at("minimum").as_number(), 1);
  EXPECT_TRUE(schema.at("properties").contains("base"));
  EXPECT_EQ(schema.at("properties").at("loss").at("allOf").at(size_t{0}).at("$ref").as_text(), "#/definitions/loss");
}

}  // namespace lamina::engine::testing
