// Options declared once: parsing with every mistake at once, describing, schema, dumping.
#include <lamina/base/error.hpp>
#include <lamina/options/binder.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamina {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Window {
  double width = 1.5;
  std::vector<std::string> names{"a"};
  void bind(OptionBinder& o) {
    o.field("width", width, "How wide", AtLeast{0});
    o.field("names", names, "Which", OneOf{"a", "b"});
  }
};

struct Sample {
  double ratio = 0.25;
  int64_t kernel = 3;
  std::string placement = "serial";
  bool bias = true;
  std::optional<double> clip;
  std::vector<int64_t> patch;
  std::array<double, 3> spacing{1, 1, 1};
  std::vector<std::vector<int64_t>> strides;
  ConfigNode loss;
  std::vector<ConfigNode> steps;
  Window window;

  void bind(OptionBinder& o) {
    o.field("ratio", ratio, "Hidden width", Range{0.01, 1});
    o.field("kernel", kernel, "Kernel size", Range{1, 9}, Odd{});
    o.field("placement", placement, "Where", OneOf{"serial", "parallel"});
    o.field("bias", bias, "Add a bias");
    o.field("clip", clip, "Largest norm", AtLeast{0});
    o.field("patch", patch, "Patch size", AtLeast{1}, Required{});
    o.field("spacing", spacing, "z, y, x in mm");
    o.field("strides", strides, "Per stage");
    o.component("loss", loss, "loss", "What is minimised");
    o.components("steps", steps, "transform", "In order");
    o.group("window", window, "A window");
  }

  void check(OptionErrors& errors, const std::string& where) const {
    if (patch.size() != 3) errors.add(where + ".patch", "expected three sizes");
  }
};

/// Knows one loss, `dice`, and one transform, `flip`.
class Checker : public ComponentChecker {
 public:
  void check(const std::string& kind, const ConfigNode& entry, const std::string& where,
             OptionErrors& errors) const override {
    const std::string known = kind == "loss" ? "dice" : "flip";
    const std::string type = entry.text_or("type", "");
    if (type != known) errors.add(where, "unknown " + kind + " '" + type + "'");
  }
  ConfigNode resolve(const std::string&, const ConfigNode& entry) const override {
    ConfigNode full = entry;
    full.set("filled", true);
    return full;
  }
};

Sample parsed(const std::string& json, OptionErrors& errors) {
  Sample sample;
  const Checker checker;
  parse_options(sample, ConfigNode::parse(json), "model.part", errors, &checker, {"type", "id"});
  return sample;
}

TEST(Options, KeepTheirDefaultsAndTakeWhatIsGiven) {
  OptionErrors errors;
  const Sample sample = parsed(R"({"type": "x", "patch": [1, 2, 3], "clip": 2, "window": {"width": 4},
    "loss": "dice", "steps": ["flip", {"type": "flip", "id": "again"}], "strides": [[1, 2], []], "spacing": [1, 2.5, 3]})",
                               errors);
  EXPECT_THAT(errors.problems(), ElementsAre());
  EXPECT_EQ(sample.ratio, 0.25);
  EXPECT_THAT(sample.patch, ElementsAre(1, 2, 3));
  EXPECT_EQ(sample.clip, 2.0) << "an integer is a number";
  EXPECT_EQ(sample.window.width, 4);
  EXPECT_THAT(sample.window.names, ElementsAre("a"));
  EXPECT_EQ(sample.loss.dump(), R"({"type":"dice"})");
  EXPECT_EQ(sample.steps.at(1).text_or("id", ""), "again");
  EXPECT_THAT(sample.strides.at(0), ElementsAre(1, 2));
  EXPECT_THAT(sample.spacing, ElementsAre(1, 2.5, 3));
}

// The text users see: one message with every mistake.
TEST(Options, ReportEveryMistakeAtOnce) {
  OptionErrors errors;
  parsed(R"({"ratio": 3, "kernal": 5, "kernel": 4, "placement": "paralel", "bias": "yes", "clip": -1, "spacing": [1, 2],
    "strides": [[1, 2.5]], "loss": {"type": "dyce"}, "steps": ["flip", {"id": "b", "type": "flop"}, {"id": "b", "type": "flip"}, 7],
    "window": {"widht": 2, "names": ["a", "c"]}})",
         errors);
  try {
    errors.throw_if_any("e.json");
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), R"(e.json (15 mistakes):
  model.part.ratio: expected a number from 0.01 to 1, got 3
  model.part.kernel: expected an odd integer from 1 to 9, got 4
  model.part.placement: expected one of serial, parallel, got "paralel" (did you mean 'parallel'?)
  model.part.bias: expected true or false, got "yes"
  model.part.clip: expected a number >= 0 or null, got -1
  model.part.patch: is missing; expected a list of integers >= 1
  model.part.spacing: expected a list of 3 numbers, got [1,2]
  model.part.strides[0][1]: expected a list of lists of integers, got 2.5
  model.part.loss: unknown loss 'dyce'
  model.part.steps[b]: unknown transform 'flop'
  model.part.steps: two entries have the id 'b'
  model.part.steps[3]: expected a transform: its name or {"type": name, ...}, got number 7
  model.part.window.names[1]: expected a list of texts out of a, b, got "c"
  model.part.window.widht: unknown key (did you mean 'width'?); known: width, names
  model.part.kernal: unknown key (did you mean 'kernel'?); known: ratio, kernel, placement, bias, clip, patch, spacing, strides, loss, steps, window)");
  }
}

TEST(Options, IntegersRefuseFractionsEvenWholeOnes) {
  OptionErrors errors;
  parsed(R"({"patch": [1, 2, 3], "kernel": 3.0})", errors);
  EXPECT_THAT(errors.problems(), ElementsAre("model.part.kernel: expected an odd integer from 1 to 9, got 3.0"));
}

TEST(Options, CrossChecksRunOnlyWhenEveryValueIsGood) {
  OptionErrors errors;
  parsed(R"({"patch": [1, 2]})", errors);
  EXPECT_THAT(errors.problems(), ElementsAre("model.part.patch: expected three sizes"));
  OptionErrors other;
  parsed(R"({"patch": [1, 2], "bias": 1})", other);
  EXPECT_THAT(other.problems(), ElementsAre("model.part.bias: expected true or false, got 1"));
}

TEST(Options, NullIsAValueOnlyWhereItSaysSo) {
  OptionErrors errors;
  const Sample sample = parsed(R"({"patch": [1, 2, 3], "clip": null, "loss": null})", errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_FALSE(sample.clip.has_value());
  EXPECT_TRUE(sample.loss.is_null());
  parsed(R"({"patch": [1, 2, 3], "ratio": null})", errors);
  EXPECT_EQ(errors.size(), 1u);
}

TEST(Options, AValueThatIsNoObjectIsReportedOnce) {
  OptionErrors errors;
  parsed("[1]", errors);
  EXPECT_THAT(errors.problems(), ElementsAre("model.part: expected an object, got list [1]"));
}

TEST(Options, DumpHoldsEveryDefaultAndReadsBackEqual) {
  OptionErrors errors;
  const Sample sample = parsed(R"({"patch": [1, 2, 3], "ratio": 0.1, "loss": "dice"})", errors);
  const Checker checker;
  EXPECT_EQ(
      dump_options(sample, &checker).dump(),
      R"({"bias":true,"clip":null,"kernel":3,"loss":{"filled":true,"type":"dice"},"patch":[1,2,3],"placement":"serial",)"
      R"("ratio":0.1,"spacing":[1.0,1.0,1.0],"steps":[],"strides":[],"window":{"names":["a"],"width":1.5}})");
  const ConfigNode plain = dump_options(sample);
  const Sample again = parsed(plain.dump(), errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(dump_options(again), plain);
}

TEST(Options, DescribeTellsTypesDefaultsAndMembers) {
  const auto docs = describe_options<Sample>();
  ASSERT_EQ(docs.size(), 11u);
  EXPECT_EQ(expectation(docs[1]), "an odd integer from 1 to 9");
  EXPECT_EQ(docs[0].default_value.as_number(), 0.25);
  EXPECT_TRUE(docs[5].required);
  EXPECT_EQ(docs[8].type, OptionType::Component);
  EXPECT_EQ(docs[9].type, OptionType::ComponentList);
  ASSERT_EQ(docs[10].members.size(), 2u);
  EXPECT_EQ(docs[10].members[0].name, "width");
}

TEST(Options, MarkdownTableIsWhatThePagesHold) {
  EXPECT_EQ(markdown_table(describe_options<Window>()),
            "| option | type | default | meaning |\n| --- | --- | --- | --- |\n"
            "| `width` | a number >= 0 | `1.5` | How wide |\n"
            "| `names` | a list of texts out of a, b | `[\"a\"]` | Which |\n");
  EXPECT_THAT(markdown_table(describe_options<Sample>()), HasSubstr("| `window.width` |"));
}

TEST(Options, SchemaHoldsBoundsChoicesAndWhatIsRequired) {
  const auto schema = json_schema(describe_options<Sample>());
  const auto properties = schema.at("properties");
  EXPECT_EQ(properties.at("ratio").dump(),
            R"({"default":0.25,"description":"Hidden width","maximum":1.0,"minimum":0.01,"type":"number"})");
  EXPECT_EQ(properties.at("placement").at("enum").dump(), R"(["serial","parallel"])");
  EXPECT_EQ(properties.at("clip").dump(),
            R"({"anyOf":[{"minimum":0.0,"type":"number"},{"type":"null"}],"description":"Largest norm"})");
  EXPECT_EQ(properties.at("spacing").at("minItems").dump(), "3");
  EXPECT_EQ(properties.at("strides").at("items").dump(), R"({"items":{"type":"integer"},"type":"array"})");
  EXPECT_EQ(
      properties.at("loss").at("anyOf").at(0).dump(),
      R"({"anyOf":[{"type":"string"},{"properties":{"type":{"type":"string"}},"required":["type"],"type":"object"}]})");
  EXPECT_EQ(properties.at("window").at("additionalProperties").dump(), "false");
  EXPECT_EQ(schema.at("required").dump(), R"(["patch"])");
}

}  // namespace
}  // namespace lamina
