// Which arms the designs make of axes.
#include "engine/ablate/design.hpp"

#include "expect_error.hpp"

#include <lamina/base/error.hpp>

#include <set>

#include <gmock/gmock.h>

namespace lamina::engine::testing {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

namespace {

constexpr const char* kAxes = R"({
  "adapter": {"levels": {"conv": {}, "none": {"~model.adapters": null}, "lora": {"model.adapters[a].type": "lora"}}, "default": "conv"},
  "rank": {"path": "model.adapters[a].rank", "values": [4, 8, 16], "default": 8, "when": "adapter == 'lora'"},
  "tta": {"path": "infer.tta", "values": ["none", "mirror"], "default": "none"}})";

constexpr const char* kSwitches = R"({
  "a": {"levels": {"on": {"x.a": 1}, "off": {}}, "default": "off"},
  "b": {"levels": {"on": {"x.b": 1}, "off": {}}, "default": "off"},
  "c": {"path": "x.c", "values": [true, false], "default": false}})";

ExpandedDesign expand(const std::string& design_words = "{}", const std::string& axis_words = kAxes,
                      const std::vector<std::string>& constraint_words = {}, std::optional<int64_t> fold = {}) {
  OptionErrors errors;
  DesignSection design;
  parse_options(design, ConfigNode::parse(design_words), "design", errors);
  const auto axes = read_axes(ConfigNode::parse(axis_words), design.order, errors);
  const auto constraints = read_constraints(constraint_words, axes, errors);
  errors.throw_if_any("wrong");
  const SettingAt depth = [](const std::vector<Override>& overrides, const std::string& path) {
    for (const auto& one : overrides) {
      if (one.path == path) return one.value;
    }
    return path == "model.depth" ? ConfigNode::parse("12") : ConfigNode();
  };
  return expand_design({design, axes, constraints, "plain", fold}, depth);
}

std::vector<std::string> names(const ExpandedDesign& design) {
  std::vector<std::string> all;
  for (const auto& arm : design.arms) all.push_back(arm.name);
  return all;
}

const DesignArm& arm_of(const ExpandedDesign& design, const std::string& name) {
  for (const auto& arm : design.arms) {
    if (arm.name == name) return arm;
  }
  throw Error("no arm " + name);
}

std::vector<std::string> paths(const DesignArm& arm) {
  std::vector<std::string> all;
  for (const auto& one : arm.overrides) all.push_back((one.erase ? "~" : "") + one.path);
  return all;
}

}  // namespace

TEST(Design, OneFactorVisitsAConditionalAxisWhereItExists) {
  const auto found = expand();
  EXPECT_THAT(names(found), ElementsAre("plain", "adapter=lora", "adapter=none", "adapter=lora,rank=4",
                                        "adapter=lora,rank=16", "tta=mirror"));
  EXPECT_THAT(paths(arm_of(found, "adapter=none")), ElementsAre("~model.adapters"));
  EXPECT_THAT(paths(arm_of(found, "adapter=lora,rank=4")),
              ElementsAre("model.adapters[a].type", "model.adapters[a].rank"));
  EXPECT_EQ(arm_of(found, "plain").levels.count("rank"), 0u);
  EXPECT_EQ(arm_of(found, "adapter=lora").levels.at("rank"), 1u);
}

TEST(Design, OneFactorTakesTheOrderAskedForAndFindsLaterAxes) {
  const auto found = expand(R"({"order": ["rank", "tta"]})");
  EXPECT_THAT(names(found), ElementsAre("plain", "adapter=lora,rank=4", "adapter=lora,rank=16", "tta=mirror",
                                        "adapter=lora", "adapter=none"));
}

TEST(Design, GridHasNoDuplicatesOfConditionalAxes) {
  const auto found = expand(R"({"type": "grid"})");
  EXPECT_THAT(found.arms, SizeIs((2 + 3) * 2));
  EXPECT_EQ(found.arms.front().name, "plain");
  const auto all = names(found);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
  EXPECT_THAT(all, ::testing::Contains("adapter=lora,tta=mirror,rank=16"));
}

TEST(Design, LeaveOneOutSwitchesOffOneOfAll) {
  const auto found = expand(R"({"type": "leave_one_out"})", kSwitches);
  EXPECT_THAT(names(found), ElementsAre("all", "without_a", "without_b", "without_c"));
  EXPECT_THAT(paths(arm_of(found, "all")), ElementsAre("x.a", "x.b", "x.c"));
  EXPECT_THAT(paths(arm_of(found, "without_b")), ElementsAre("x.a", "x.c"));
  EXPECT_THAT([] { expand(R"({"type": "leave_one_out"})"); },
              ThrowsMessage<ConfigError>(AllOf(HasSubstr("'adapter'"), HasSubstr("'on'"))));
}

TEST(Design, AddOneInGrowsInTheOrderAskedFor) {
  const auto found = expand(R"({"type": "add_one_in", "order": ["c", "a"]})", kSwitches);
  EXPECT_THAT(names(found), ElementsAre("plain", "c", "c+a", "c+a+b"));
  EXPECT_THAT(paths(arm_of(found, "c+a")), ElementsAre("x.c", "x.a"));
}

TEST(Design, PairedRunsTheListedPairsOnly) {
  const auto found = expand(
      {R"({"type": "paired", "pairs": [[{}, {"adapter": "lora", "rank": 4}], [{"tta": "mirror"}, {"tta": "mirror", "adapter": "none"}]]})"});
  EXPECT_THAT(names(found), ElementsAre("plain", "adapter=lora,rank=4", "tta=mirror", "adapter=none,tta=mirror"));
  EXPECT_EQ(found.arms[1].against, "plain");
  EXPECT_EQ(found.arms[2].against, "tta=mirror");  // itself: compared with nothing
  EXPECT_EQ(found.arms[3].against, "tta=mirror");
  EXPECT_THAT([] { expand(R"({"type": "paired", "pairs": [[{}, {"adapter": "loro"}]]})"); },
              ThrowsMessage<ConfigError>(HasSubstr("no level \"loro\"")));
  EXPECT_THAT([] { expand(R"({"type": "paired"})"); }, ThrowsMessage<ConfigError>(HasSubstr("design.pairs")));
}

TEST(Design, RandomIsSeededAndDrawsDistinctArms) {
  const auto found = expand(R"({"type": "random", "n": 4, "seed": 3})"),
             again = expand(R"({"type": "random", "n": 4, "seed": 3})");
  EXPECT_THAT(found.arms, SizeIs(5));
  EXPECT_EQ(found.arms.front().name, "plain");
  EXPECT_EQ(names(found), names(again));
  EXPECT_NE(names(found), names(expand(R"({"type": "random", "n": 4, "seed": 4})")));
  EXPECT_THAT(expand(R"({"type": "random", "n": 100})").arms, SizeIs(10));  // there are no more
}

TEST(Design, ConstraintsDropArmsAndSayWhy) {
  const auto found = expand(R"({"type": "grid"})", kAxes, {"!(adapter == 'lora' && tta == 'mirror')"}, {});
  EXPECT_THAT(found.arms, SizeIs(7));
  ASSERT_THAT(found.dropped, SizeIs(3));
  EXPECT_THAT(found.dropped[0].reason, HasSubstr("the constraint \"!(adapter == 'lora'"));
  EXPECT_THAT([] { expand("{}", kAxes, {"tta == 'mirror'"}, {}); },
              ThrowsMessage<ConfigError>(HasSubstr("drops the arm that all others are compared with")));
}

TEST(Design, ConditionsSeeSettingsAndFolds) {
  EXPECT_THAT(expand("{}", kAxes, {"model.depth == 12 && model.adapters[a].type != 'lora'"}, {}).dropped, SizeIs(3));
  const std::string fold_only = R"({"late": {"path": "x.late", "values": [0, 1], "default": 0, "when": "fold < 3"}})";
  EXPECT_THAT(names(expand("{}", fold_only, {}, 2)), ElementsAre("plain", "late=1"));
  const auto without = expand("{}", fold_only, {}, 4);
  EXPECT_THAT(names(without), ElementsAre("plain"));
  EXPECT_THAT(without.dropped, SizeIs(1));
}

TEST(Design, RefusesAxesThatCannotBe) {
  const auto refusal = [](const std::string& axes) {
    try {
      expand("{}", axes);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refusal(R"({"a": {"path": "x", "values": [1, 2], "default": 3}})"),
              AllOf(HasSubstr("axes.a.default"), HasSubstr("1, 2"), HasSubstr("got 3")));
  EXPECT_THAT(refusal(R"({"a": {"path": "x", "values": [1, 2]}})"), HasSubstr("got nothing"));
  EXPECT_THAT(refusal(R"({"a": {"path": "x", "values": [1], "levels": {}, "default": 1}})"),
              HasSubstr("expected either"));
  EXPECT_THAT(refusal(R"({"a": {"valeus": [1], "path": "x"}})"), HasSubstr("did you mean 'values'"));
  EXPECT_THAT(refusal(R"({"a": {"path": "x", "values": [1], "default": 1, "when": "b == 1"}})"),
              HasSubstr("'b' is no axis"));
  EXPECT_THAT(
      refusal(
          R"({"a": {"path": "x", "values": [1, 2], "default": 1, "when": "b == 1"}, "b": {"path": "y", "values": [1, 2], "default": 1, "when": "a == 1"}})"),
      HasSubstr("in a circle"));
  EXPECT_THAT(refusal("[]"), HasSubstr("expected an object"));
}

TEST(Design, NamesLevelsAfterTheirValues) {
  const auto found = expand("{}", R"({
    "patch": {"path": "train.patch", "values": [[4, 96, 96], [1, 8, 8]], "default": [1, 8, 8]},
    "lr": {"path": "lr", "values": [0.01, 1e-05], "default": 0.01}})");
  EXPECT_THAT(names(found), ElementsAre("plain", "lr=1e-05", "patch=4x96x96"));
  EXPECT_THAT(found.dropped, IsEmpty());
}

}  // namespace lamina::engine::testing
