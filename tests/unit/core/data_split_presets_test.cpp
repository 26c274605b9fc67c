// Splits of papers: their lists, how folders are matched with them, what is drawn and what is refused.
#include "expect_error.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/data/splits.hpp>

#include <gmock/gmock.h>

#include <iomanip>
#include <set>
#include <sstream>

namespace lamina {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSubsetOf;
using ::testing::Le;
using Names = std::vector<std::string>;

std::vector<CaseName> named(const std::string& prefix, const std::vector<std::pair<int, int>>& ranges, int digits = 4,
                            const Names& ends = {""}) {
  std::vector<CaseName> cases;
  for (const auto& [first, last] : ranges) {
    for (int i = first; i <= last; ++i) {
      std::ostringstream id;
      id << prefix << std::setw(digits) << std::setfill('0') << i;
      for (const auto& end : ends) cases.push_back({id.str() + end, id.str()});
    }
  }
  return cases;
}

std::vector<CaseName> btcv(const std::string& prefix = "img", int digits = 4) {
  return named(prefix, {{1, 10}, {21, 40}}, digits);
}

std::vector<CaseName> acdc() { return named("patient", {{1, 100}}, 3, {"_frame01", "_frame12"}); }

SplitOptions preset(const std::string& name, const std::string& compat = "repaired") {
  SplitOptions options;
  options.preset = name;
  options.compat = compat;
  return options;
}

const Names kSynapseTest{"img0001", "img0002", "img0003", "img0004", "img0008", "img0022",
                         "img0025", "img0029", "img0032", "img0035", "img0036", "img0038"};

TEST(SplitPresets, SynapseAsReleasedValidatesOnItsTest) {
  const auto plan = make_splits(preset("synapse_18_12", "release"), btcv(), {});
  EXPECT_EQ(plan.test, kSynapseTest);
  EXPECT_EQ(plan.val, kSynapseTest);
  EXPECT_THAT(plan.train, ElementsAre("img0005", "img0006", "img0007", "img0009", "img0010", "img0021", "img0023",
                                      "img0024", "img0026", "img0027", "img0028", "img0030", "img0031", "img0033",
                                      "img0034", "img0037", "img0039", "img0040"));
}

TEST(SplitPresets, RepairedDrawsValidationFromTheTrainingCases) {
  const auto plan = make_splits(preset("synapse_18_12"), btcv(), {});
  const auto released = make_splits(preset("synapse_18_12", "release"), btcv(), {});
  EXPECT_EQ(plan.test, kSynapseTest);
  EXPECT_EQ(plan.val.size(), 4U);  // a fifth of 18
  EXPECT_EQ(plan.train.size(), 14U);
  EXPECT_THAT(plan.val, IsSubsetOf(released.train));
  std::set<std::string> both(plan.train.begin(), plan.train.end());
  both.insert(plan.val.begin(), plan.val.end());
  EXPECT_EQ(Names(both.begin(), both.end()), released.train);
  auto three = preset("synapse_18_12");
  three.val = 3;
  EXPECT_EQ(make_splits(three, btcv(), {}).val.size(), 3U);
  three.seed = 7;
  EXPECT_NE(make_splits(three, btcv(), {}).val, make_splits(preset("synapse_18_12"), btcv(), {}).val);
  three.val = 0;
  EXPECT_EQ(make_splits(three, btcv(), {}).train, released.train);
}

TEST(SplitPresets, KnowCasesByTheLastNumberInTheirNames) {
  for (const auto& cases : {btcv("case"), btcv("ABD_", 3), btcv("BTCV2015_", 1), btcv("")}) {
    const auto plan = make_splits(preset("btcv_24_6_masam", "release"), cases, {});
    EXPECT_THAT(plan.val, IsEmpty());
    EXPECT_EQ(plan.train.size(), 24U);
    EXPECT_EQ(plan.test.size(), 6U);
    for (const auto& id : plan.test) EXPECT_THAT(id.substr(id.size() - 2), AllOf(Ge("35"), Le("40")));
  }
}

TEST(SplitPresets, LeaveCasesOutThatTheyDoNotName) {
  auto cases = btcv();
  cases.push_back({"img0061", "img0061"});
  cases.push_back({"phantom", "phantom"});
  cases.push_back({"scan_20150312084500", "scan"});  // no case number
  const auto plan = make_splits(preset("synapse_18_12", "release"), cases, {});
  EXPECT_EQ(plan.train.size(), 18U);
  EXPECT_EQ(plan.test, kSynapseTest);
}

TEST(SplitPresets, AcdcKeepsItsOwnValidationInBothForms) {
  for (const std::string compat : {"repaired", "release"}) {
    const auto plan = make_splits(preset("acdc_70_10_20", compat), acdc(), {});
    EXPECT_EQ(plan.train.size(), 140U);
    EXPECT_EQ(plan.val.size(), 20U);
    EXPECT_EQ(plan.test.size(), 40U);
    EXPECT_EQ(plan.test.front(), "patient002_frame01");
    EXPECT_EQ(plan.test.back(), "patient095_frame12");
    EXPECT_EQ(plan.val.front(), "patient089_frame01");
    std::set<std::string> all;
    for (const auto* part : {&plan.train, &plan.val, &plan.test}) all.insert(part->begin(), part->end());
    EXPECT_EQ(all.size(), 200U);
  }
}

TEST(SplitPresets, ProstateSitesTestOnTheirListAndTrainOnTheRest) {
  const auto site = named("RUNMC2_Case", {{0, 29}}, 2);
  const auto plan = make_splits(preset("prostate_masam_a", "release"), site, {});
  EXPECT_THAT(plan.test, ElementsAre("RUNMC2_Case03", "RUNMC2_Case08", "RUNMC2_Case12", "RUNMC2_Case15",
                                     "RUNMC2_Case18", "RUNMC2_Case26"));
  EXPECT_EQ(plan.train.size(), 24U);
  EXPECT_EQ(make_splits(preset("prostate_masam_e"), site, {}).test.front(), "RUNMC2_Case00");
}

TEST(SplitPresets, AmosCutsItsTwoHundredScansIntoNnunetsFolds) {
  auto cases = named("amos_", {{1, 200}});
  const auto ids = [&] {
    Names names;
    for (const auto& one : cases) names.push_back(one.id);
    return names;
  }();
  cases.push_back({"amos_0507", "amos_0507"});  // magnetic resonance
  auto second = preset("amos_ct_masksam");
  second.fold = 1;
  const auto plan = make_splits(second, cases, {});
  EXPECT_EQ(plan.val, nnunet_validation_fold(ids, 1));
  EXPECT_EQ(plan.train.size(), 160U);
  EXPECT_THAT(plan.test, IsEmpty());
  cases.pop_back(), cases.pop_back();
  EXPECT_THAT(
      testing::message_of<DataError>([&] {
        make_splits(second, cases, {"/data/amos", {}});
      }),
      AllOf(HasSubstr("200 cases numbered below 500"), HasSubstr("/data/amos has 199"), HasSubstr("nnunet_fold")));
}

TEST(SplitPresets, NameEveryCaseThatIsMissingAndTheFolder) {
  const auto few = named("img", {{1, 10}, {21, 38}});
  EXPECT_THAT(testing::message_of<DataError>([&] {
                make_splits(preset("synapse_18_12"), few, {"/data/Synapse", {}});
              }),
              AllOf(HasSubstr("'synapse_18_12'"),
                    HasSubstr("/data/Synapse lacks 2 of its 30 cases: case0039, case0040"), HasSubstr("last number")));
  EXPECT_THAT(testing::message_of<DataError>([&] { make_splits(preset("acdc_70_10_20"), btcv(), {}); }),
              AllOf(HasSubstr("lacks 70 of its 100 patients: patient011, patient012"), HasSubstr("patient100"),
                    HasSubstr("first")));
}

TEST(SplitPresets, RefuseTwoCasesOfOneNumber) {
  auto cases = btcv();
  cases.push_back({"case0005", "case0005"});
  EXPECT_THAT(testing::message_of<DataError>([&] { make_splits(preset("synapse_18_12"), cases, {}); }),
              AllOf(HasSubstr("case0005 and img0005"), HasSubstr("same number 5")));
  cases.back().id = "case0061";
  cases.push_back({"img0061", "img0061"});  // no case of the preset: nobody minds
  EXPECT_EQ(make_splits(preset("synapse_18_12"), cases, {}).test, kSynapseTest);
}

TEST(SplitPresets, StandWithTheOptionsThatTheyLeaveOpen) {
  const auto problems = [](SplitOptions options) {
    OptionErrors errors;
    options.check(errors, "dataset.split");
    return join(errors.problems());
  };
  auto options = preset("synapse_18_12");
  options.val = 3;
  EXPECT_EQ(problems(options), "");
  options.compat = "release";
  EXPECT_THAT(problems(options), HasSubstr("as released, says what validation is"));
  auto acdc_options = preset("acdc_70_10_20");
  acdc_options.val = 3;
  EXPECT_THAT(problems(acdc_options), HasSubstr("dataset.split.val"));
  auto both = preset("synapse_18_12");
  both.file = "s.json";
  EXPECT_THAT(problems(both), HasSubstr("leave out file, nnunet_fold and test"));
  auto folds = preset("synapse_18_12");
  folds.fold = 1;
  EXPECT_THAT(problems(folds), HasSubstr("has no folds"));
  SplitOptions released;
  released.compat = "release";
  EXPECT_THAT(problems(released), HasSubstr("name a preset"));
}

TEST(SplitPresets, AnUnknownNameIsRefusedWithTheNearest) {
  SplitOptions options;
  OptionErrors errors;
  parse_options(options, ConfigNode::parse(R"({"preset": "synapse_18_21"})"), "split", errors);
  EXPECT_THAT(join(errors.problems()), AllOf(HasSubstr("split.preset"), HasSubstr("synapse_18_12")));
}

}  // namespace
}  // namespace lamina
