// Splits: nnU-Net's own folds, draws by group, refusals.
#include "expect_error.hpp"
#include "temporary_folder.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>
#include <lamina/data/splits.hpp>

#include <gmock/gmock.h>

#include <set>

namespace lamina {
namespace {

using ::testing::HasSubstr;
using Names = std::vector<std::string>;

Names numbered(int count) {
  Names names;
  for (int i = 0; i < count; ++i) names.push_back(text("case", i < 10 ? "0" : "", i));
  return names;
}

Names pick(const std::vector<int>& indices) {
  Names names;
  for (const int i : indices) names.push_back(numbered(20)[static_cast<size_t>(i)]);
  return names;
}

std::vector<CaseName> in_groups(int groups, int each) {
  std::vector<CaseName> cases;
  for (int g = 0; g < groups; ++g) {
    for (int i = 0; i < each; ++i) cases.push_back({text("g", g, "_", i), text("g", g)});
  }
  return cases;
}

// Made with numpy.random.RandomState(12345).shuffle, as scikit-learn's KFold does.
TEST(NnunetFolds, AreThoseOfNnunet) {
  const std::vector<std::vector<int>> ten{{0, 7}, {3, 9}, {4, 6}, {1, 8}, {2, 5}};
  const std::vector<std::vector<int>> twelve{{0, 3, 8}, {7, 10, 11}, {6, 9}, {1, 4}, {2, 5}};
  for (int64_t fold = 0; fold < 5; ++fold) {
    EXPECT_EQ(nnunet_validation_fold(numbered(10), fold), pick(ten[static_cast<size_t>(fold)]));
    EXPECT_EQ(nnunet_validation_fold(numbered(12), fold), pick(twelve[static_cast<size_t>(fold)]));
  }
}

TEST(NnunetFolds, RefuseTooFewCases) {
  EXPECT_THAT(testing::message_of<ConfigError>([] { nnunet_validation_fold(numbered(4), 0); }),
              HasSubstr("at least 5 cases"));
}

TEST(Splits, NeverPutAGroupInTwoParts) {
  const auto plan = make_splits({}, in_groups(10, 3), {});
  EXPECT_EQ(plan.train.size(), 18U);
  EXPECT_EQ(plan.val.size(), 6U);
  EXPECT_EQ(plan.test.size(), 6U);
  std::set<std::string> test_groups;
  for (const auto& id : plan.test) test_groups.insert(id.substr(0, 2));
  for (const auto* part : {&plan.train, &plan.val}) {
    for (const auto& id : *part) EXPECT_FALSE(test_groups.contains(id.substr(0, 2)));
  }
}

TEST(Splits, KeepTheTestWhenValidationIsCutOtherwise) {
  SplitOptions few, folds;
  few.test = folds.test = 3;
  few.val = 1;
  folds.nnunet_fold = 2;
  const auto a = make_splits(few, in_groups(10, 2), {}), b = make_splits(folds, in_groups(10, 2), {});
  EXPECT_EQ(a.test, b.test);
  EXPECT_EQ(a.test.size(), 6U);
}

TEST(Splits, DependOnTheSeedAndNotOnTheOrderOfCases) {
  auto cases = in_groups(12, 1);
  SplitOptions first, second;
  second.seed = 7;
  const auto a = make_splits(first, cases, {}), b = make_splits(second, cases, {});
  std::reverse(cases.begin(), cases.end());
  EXPECT_EQ(a.test, make_splits(first, cases, {}).test);
  EXPECT_NE(a.test, b.test);
}

TEST(Splits, RefuseToLeaveNothingForTraining) {
  SplitOptions options;
  options.test = 4;
  EXPECT_THAT(testing::message_of<ConfigError>([&] { make_splits(options, in_groups(4, 1), {}); }),
              HasSubstr("no case for training"));
}

TEST(Splits, RefuseAFoldThatTheFileLacks) {
  const testing::TemporaryFolder folder;
  folder.write("s.json", R"([{"train": ["g0_0"], "val": []}])");
  SplitOptions options;
  options.file = "s.json";
  options.fold = 3;
  const auto message = testing::message_of<ConfigError>([&] {
    make_splits(options, in_groups(1, 1), {folder.path(), {}});
  });
  EXPECT_THAT(message, HasSubstr("folds 0 to 0"));
}

TEST(Splits, RefuseAFileTogetherWithShares) {
  SplitOptions options;
  options.file = "s.json";
  options.test = 0.2;
  OptionErrors errors;
  options.check(errors, "dataset.split");
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(errors.problems().front(), HasSubstr("dataset.split"));
}

TEST(GroupOf, TakesTheFirstParenthesis) {
  EXPECT_EQ(group_of("patient004_frame15", "^(patient[0-9]+)_"), "patient004");
  EXPECT_EQ(group_of("patient004_frame15", "case"), "patient004_frame15");
  EXPECT_THAT(testing::message_of<ConfigError>([] { group_of("x", "^(p[0-9]+)"); }),
              HasSubstr("does not match the case 'x'"));
  EXPECT_THAT(testing::message_of<ConfigError>([] { group_of("x", "(("); }), HasSubstr("no regular expression"));
}

}  // namespace
}  // namespace lamina
