// Studies as the `config` verbs show them.
#include "engine/ablate/inspect_study.hpp"
#include "engine/experiment/inspect.hpp"
#include "study_fixture.hpp"

#include <lamina/base/error.hpp>

namespace lamina::engine::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

class InspectStudyTest : public StudyTest {
 protected:
  std::string file(const std::string& name = "small.json") const { return (folder / name).string(); }
  Experiment experiment(const std::string& what) const { return load_experiment_or_arm(what, {}, registry); }
  std::string explained(const std::string& path, const std::string& name = "small.json") const {
    return explain_study(file(name), path, {}, registry);
  }
};

TEST_F(InspectStudyTest, KnowsAStudyFromAnExperiment) {
  EXPECT_TRUE(is_study(file()));
  EXPECT_FALSE(is_study(file("tiny.json")));
  EXPECT_THROW(is_study(file("none.json")), ConfigError);
}

TEST_F(InspectStudyTest, TakesAnArmForAnExperiment) {
  EXPECT_TRUE(experiment(file() + ":residual").resolved().at("model").at("encoder").at("residual").as_bool());
  EXPECT_EQ(experiment(file() + ":no_overlap").resolved().at("infer").at("overlap").as_number(), 0);
  EXPECT_EQ(experiment(file("tiny.json")).name(), "tiny");
  const auto overridden = load_experiment_or_arm(file() + ":residual", {parse_override("train.epochs=9")}, registry);
  EXPECT_EQ(overridden.options().train.epochs, 9);
}

TEST_F(InspectStudyTest, RefusesAStudyWithoutAnArmAndUnknownArms) {
  EXPECT_THAT([&] { experiment(file()); },
              ThrowsMessage<ConfigError>(AllOf(HasSubstr("is a study"), HasSubstr("small.json:plain"),
                                               HasSubstr("plain, residual, no_overlap"))));
  EXPECT_THAT([&] { experiment(file() + ":residuall"); },
              ThrowsMessage<ConfigError>(HasSubstr("did you mean 'residual'")));
  EXPECT_THAT([&] { explained("arms[residuall].train.epochs"); },
              ThrowsMessage<ConfigError>(HasSubstr("did you mean 'residual'")));
}

TEST_F(InspectStudyTest, ResolvesEveryArmAndDefault) {
  const ConfigNode study = resolved_study(load(), registry);
  EXPECT_EQ(study.text_or("name", ""), "small");
  EXPECT_EQ(study.text_or("baseline_name", ""), "plain");
  EXPECT_FALSE(study.at("baseline").at("model").at("encoder").at("residual").as_bool());
  EXPECT_EQ(study.at("compare").at("draws").as_integer(), 200);
  EXPECT_EQ(study.at("compare").at("test").as_text(), "t");
  EXPECT_EQ(study.at("repeats").at("seeds").dump(), "[1,2]");
  ASSERT_EQ(study.at("arms").size(), 2u);
  const ConfigNode change = study.at("arms").at(0).at("changes");
  EXPECT_THAT(change.keys(), ElementsAre("model.encoder.residual"));
  EXPECT_EQ(change.at("model.encoder.residual").dump(), R"({"arm":true,"baseline":false})");
}

TEST_F(InspectStudyTest, ResolvesTheArmsOfADesign) {
  write_file(folder / "axes.json", R"({"schema": 1, "baseline": "tiny.json", "axes": {
    "tta": {"path": "infer.tta", "values": ["none", "mirror"], "default": "none"},
    "clip": {"levels": {"on": {"train.clip": 12}, "off": {}}, "default": "off"}}})");
  const ConfigNode study = resolved_study(load("axes.json"), registry);
  ASSERT_EQ(study.at("arms").size(), 2u);
  EXPECT_EQ(study.at("arms").at(0).text_or("name", ""), "clip=on");
  EXPECT_EQ(study.at("arms").at(1).at("changes").at("infer.tta").at("arm").as_text(), "mirror");
  EXPECT_THAT(explained("arms[tta=mirror].infer.tta", "axes.json"),
              AllOf(HasSubstr(R"(infer.tta = "mirror")"), HasSubstr("set by:   level tta=mirror")));
  EXPECT_EQ(experiment(file("axes.json") + ":clip=on").resolved().at("train").at("clip").as_number(), 12);
}

TEST_F(InspectStudyTest, ExplainsSettingsOfTheStudyAndInsideArms) {
  EXPECT_THAT(explained("compare.draws"), AllOf(HasSubstr("compare.draws = 200"), HasSubstr("small.json"),
                                                HasSubstr("Draws of bootstrap"), HasSubstr("default:  10000")));
  EXPECT_THAT(explained("compare.alpha"), HasSubstr("set by:   default"));
  EXPECT_THAT(explained("arms[residual].model.encoder.residual"),
              AllOf(HasSubstr("= true"), HasSubstr("arm 'residual'")));
  EXPECT_THAT(explained("baseline.train.epochs"), AllOf(HasSubstr("train.epochs = 2"), HasSubstr("tiny.json")));
  EXPECT_THAT(explained("arms[residual]"),
              AllOf(HasSubstr("model.encoder.residual = true"), HasSubstr("baseline: false"), Not(HasSubstr("seed"))));
  EXPECT_THAT(explained(""), AllOf(HasSubstr(R"(baseline_name = "plain")"), HasSubstr("compare.ci")));
  EXPECT_THAT([&] { explained("compare.drawz"); }, ThrowsMessage<ConfigError>(HasSubstr("did you mean 'draws'")));
}

TEST_F(InspectStudyTest, DescribesStudyFilesForEditors) {
  const ConfigNode schema = study_schema(registry);
  const ConfigNode properties = schema.at("properties");
  EXPECT_THAT(properties.keys(), AllOf(Contains("base"), Contains("baseline"), Contains("axes"), Contains("repeats")));
  EXPECT_EQ(schema.at("additionalProperties").as_bool(), false);
  const ConfigNode arm = properties.at("arms").at("anyOf").at(0).at("items");
  EXPECT_EQ(arm.at("required").dump(), R"(["name"])");
  EXPECT_THAT(arm.at("properties").keys(), ElementsAre("against", "description", "experiment", "name", "set"));
  EXPECT_THAT(properties.at("axes").at("additionalProperties").at("properties").keys(), Contains("when"));
  EXPECT_TRUE(schema.at("definitions").at("experiment").at("properties").contains("train"));
  EXPECT_TRUE(schema.at("definitions").contains("metric"));
}

}  // namespace
}  // namespace lamina::engine::testing
