// Overrides by dotted path, with the words of their refusals.
#include "experiment_fixture.hpp"

#include <lamina/base/log.hpp>

namespace lamina::engine::testing {

class Overrides : public ExperimentFiles {
 protected:
  ConfigNode after(const std::string& words) const {
    ConfigNode root = ConfigNode::parse(kSmall);
    apply_override(root, parse_override(words));
    return root;
  }
  std::string refused(const std::string& words) const {
    return refusal([&] { after(words); });
  }
};

TEST_F(Overrides, ReadValuesAsJsonFirstThenAsText) {
  EXPECT_EQ(parse_override("a=1e-4").value.as_number(), 1e-4);
  EXPECT_EQ(parse_override("a=true").value.as_bool(), true);
  EXPECT_EQ(parse_override("a=[1, 2]").value.size(), 2u);
  EXPECT_EQ(parse_override("a=../data/x=y").value.as_text(), "../data/x=y");
  EXPECT_EQ(parse_override("a=\"3\"").value.as_text(), "3");
  EXPECT_EQ(parse_override("a=").value.as_text(), "");
  EXPECT_TRUE(parse_override("a=null").value.is_null());
  EXPECT_TRUE(parse_override("~a.b").erase);
}

TEST_F(Overrides, RefuseBrokenWords) {
  EXPECT_EQ(refusal([] { parse_override("epochs"); }), "--set epochs: expected path=value, or ~path to delete");
  EXPECT_EQ(refusal([] { parse_override("~a=1"); }), "--set ~a=1: '~path' deletes and takes no value");
  EXPECT_NE(refusal([] { parse_override("a[b=1"); }).find("has a '[' that never closes"), std::string::npos);
  EXPECT_NE(refusal([] { parse_override("a..b=1"); }).find("has an empty word"), std::string::npos);
  EXPECT_NE(refusal([] { parse_override("a=[1,"); }), "");
}

TEST_F(Overrides, ReplaceWhatStandsAtThePath) {
  EXPECT_EQ(after("train.epochs=7").at("train").at("epochs").as_integer(), 7);
  EXPECT_EQ(after("train.optimizer.lr=0.1").at("train").at("optimizer").dump(), R"({"lr":0.1})");
  EXPECT_EQ(after("model.encoder={\"type\":\"other_net\"}").at("model").at("encoder").dump(),
            R"({"type":"other_net"})");
  EXPECT_EQ(after("model.adapters[depth].width=9").at("model").at("adapters").at(size_t{0}).at("width").as_integer(),
            9);
  EXPECT_EQ(after("model.adapters[1].ratio=0.1").at("model").at("adapters").at(size_t{1}).at("ratio").as_number(), 0.1);
  EXPECT_EQ(after("model.adapters[lora].ratio=0.1").at("model").at("adapters").at(size_t{1}).at("ratio").as_number(),
            0.1);
  EXPECT_EQ(after("loss.smooth=1").at("loss").dump(), R"({"smooth":1,"type":"dice_ce"})");
  EXPECT_EQ(after("train.patch[0]=3").at("train").at("patch").dump(), "[3,32,32]");
}

TEST_F(Overrides, DeleteWhatStandsAtThePath) {
  EXPECT_FALSE(after("~train.epochs").at("train").contains("epochs"));
  EXPECT_EQ(after("~model.adapters[depth]").at("model").at("adapters").dump(), R"([{"type":"lora"}])");
  EXPECT_EQ(refused("~train.batch"),
            "--set ~train.batch: there is no 'train.batch' to delete: it is not set (did you mean 'patch'?); "
            "set in 'train': epochs, patch, trainable");
}

TEST_F(Overrides, RefusePathsThatNameNothing) {
  EXPECT_EQ(
      refused("runtim.threads=1").substr(0, 84),
      std::string("--set runtim.threads=1: there is no 'runtim' in an experiment (did you mean 'runtime'?); known")
          .substr(0, 84));
  EXPECT_NE(refused("train.epoch=1").find("there is no 'epoch' in 'train' (did you mean 'epochs'?)"),
            std::string::npos);
  EXPECT_EQ(refused("model.adapters[deph].width=1"),
            "--set model.adapters[deph].width=1: model.adapters has no entry 'deph' (did you mean 'depth'?); there "
            "are: depth, lora (0 to 1)");
  EXPECT_EQ(refused("model.adapters.width=1"),
            "--set model.adapters.width=1: 'model.adapters' is a list; name an entry: model.adapters[depth].width");
  EXPECT_NE(refused("postprocess[0].x=1").find("'postprocess' is no list here"), std::string::npos);
}

TEST_F(Overrides, OfTheTypeAloneDropTheOldOptionsAndSaySo) {
  std::string said;
  set_log_listener([&](LogLevel, const std::string& line) { said = line; });
  const ConfigNode entry = after("model.adapters[depth].type=lora").at("model").at("adapters").at(size_t{0});
  set_log_listener({});
  EXPECT_EQ(entry.dump(), R"({"at":["encoder.**"],"id":"depth","type":"lora"})");
  EXPECT_EQ(
      said,
      "--set model.adapters[depth].type=lora: 'depth_conv' became 'lora'; options of 'depth_conv' are dropped: width");
}

TEST_F(Overrides, MayEditAList) {
  const ConfigNode fewer = after(R"(model.adapters={"$remove": ["depth"]})").at("model").at("adapters");
  ASSERT_EQ(fewer.size(), 1u);
  EXPECT_EQ(fewer.at(size_t{0}).at("type").as_text(), "lora");
  const ConfigNode more =
      after(R"(model.adapters={"$append": [{"id": "new", "type": "lora"}]})").at("model").at("adapters");
  EXPECT_EQ(more.at(2).at("id").as_text(), "new");
  EXPECT_NE(refused(R"(model.adapters={"$remove": ["deph"]})").find("did you mean 'depth'?"), std::string::npos);
}

TEST_F(Overrides, OfAComponentAtItsDefaultKeepTheDefaultType) {
  const Experiment one = load("small.json", {"infer.overlap=0.25", "train.optimizer.lr=0.5"});
  EXPECT_EQ(one.resolved().at("infer").dump(), R"({"overlap":0.25,"type":"sliding_window"})");
  EXPECT_EQ(one.resolved().at("train").at("optimizer").dump(), R"({"lr":0.5,"type":"adamw"})");
}

TEST_F(Overrides, AreAppliedInOrder) {
  const Experiment one = load("small.json", {"model.encoder.type=other_net", "model.encoder.ratio=0.25"});
  EXPECT_EQ(one.resolved().at("model").at("encoder").dump(), R"({"ratio":0.25,"type":"other_net"})");
}

}  // namespace lamina::engine::testing
