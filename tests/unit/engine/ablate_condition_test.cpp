// The language of `when` and `constraints`.
#include "engine/ablate/condition.hpp"

#include "expect_error.hpp"

#include <lamina/base/error.hpp>

#include <map>

#include <gmock/gmock.h>

namespace lamina::engine::testing {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

namespace {

bool holds(const std::string& words) {
  static const std::map<std::string, std::string> kKnown{
      {"loss", "\"dice_ce\""}, {"fold", "2"}, {"rank", "8"}, {"on", "true"}, {"model.adapters[a b].ratio", "0.25"},
      {"in_plane", "3"}};
  return Condition(words).holds([](const std::string& name) {
    const auto found = kKnown.find(name);
    return found == kKnown.end() ? ConfigNode() : ConfigNode::parse(found->second);
  });
}

}  // namespace

TEST(Condition, ComparesTextsNumbersAndLists) {
  EXPECT_TRUE(holds("loss == 'dice_ce'"));
  EXPECT_FALSE(holds("loss != \"dice_ce\""));
  EXPECT_TRUE(holds("rank<=8"));
  EXPECT_FALSE(holds("rank < 8"));
  EXPECT_TRUE(holds("rank >= 8.0 && rank > -1e3"));
  EXPECT_TRUE(holds("fold in [0, 2]"));
  EXPECT_FALSE(holds("loss in ['a', 'b']"));
  EXPECT_FALSE(holds("loss in []"));
  EXPECT_TRUE(holds("model.adapters[a b].ratio == 0.25"));
  EXPECT_TRUE(holds("in_plane == 3"));  // a name that begins like an operator
}

TEST(Condition, BindsNotBeforeAndBeforeOr) {
  EXPECT_TRUE(holds("rank == 8 || rank == 1 && rank == 2"));
  EXPECT_FALSE(holds("(rank == 8 || rank == 1) && rank == 2"));
  EXPECT_TRUE(holds("!(rank == 1) && !(fold > 2)"));
  EXPECT_FALSE(holds("!on"));
  EXPECT_TRUE(holds("!!on"));
}

TEST(Condition, TakesWhatIsNotThereForNull) {
  EXPECT_TRUE(holds("nothing == null"));
  EXPECT_FALSE(holds("nothing == 'dice_ce'"));
  EXPECT_TRUE(holds("on || nothing < 3"));  // the right side does not matter
}

TEST(Condition, KnowsItsNames) {
  EXPECT_THAT(Condition("a == 1 && !(b.c[d].e in [f, 'g'])").names(), ElementsAre("a", "b.c[d].e", "f"));
}

TEST(Condition, SaysWhereItCannotBeRead) {
  for (const std::string words :
       {"", "a ==", "a == 'b", "(a == 1", "a == 1)", "a == 1 b", "a = 1", "[1, 2", "1.2.3 == a", "&& a"}) {
    EXPECT_THAT([&] { Condition made(words); },
                ThrowsMessage<ConfigError>(AllOf(HasSubstr(words), HasSubstr("<here>"))))
        << words;
  }
}

TEST(Condition, RefusesWhatHasNoOrderOrNoTruth) {
  EXPECT_THAT([] { holds("loss < 3"); }, ThrowsMessage<ConfigError>(HasSubstr("only numbers have an order")));
  EXPECT_THAT([] { holds("loss"); }, ThrowsMessage<ConfigError>(HasSubstr("needs true or false")));
  EXPECT_THAT([] { holds("rank in loss"); }, ThrowsMessage<ConfigError>(HasSubstr("no list")));
  EXPECT_THAT([] { holds("(rank == 8) == true"); }, ThrowsMessage<ConfigError>(HasSubstr("compares a comparison")));
}

}  // namespace lamina::engine::testing
