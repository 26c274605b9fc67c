// ConfigNode: reading with comments, exact places of mistakes, and no crash on any bytes.
#include <lamina/base/error.hpp>
#include <lamina/base/random.hpp>
#include <lamina/options/config_node.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace lamina {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string mistake(std::string_view text) {
  try {
    ConfigNode::parse(text, "e.json");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no mistake";
}

TEST(ConfigNode, ReadsCommentsAndSortsKeys) {
  const auto node = ConfigNode::parse("// head\n{\"b\": 1, // one\n \"a\": [true, null, \"x\"]}");
  EXPECT_EQ(node.dump(), R"({"a":[true,null,"x"],"b":1})");
  EXPECT_THAT(node.keys(), ElementsAre("a", "b"));
}

TEST(ConfigNode, NamesLineAndColumnOfADuplicateKey) {
  EXPECT_EQ(mistake("{\"a\": 1,\n  \"b\": {\"x\\\"y\": 1,\n        \"x\\\"y\": 2}}"),
            "e.json:3:9: the key 'x\"y' is given twice in one object");
  EXPECT_EQ(mistake(R"({"a": {"k": 1}, "b": {"k": 1}})"), "no mistake");
}

TEST(ConfigNode, NamesLineAndColumnOfASyntaxError) {
  EXPECT_THAT(mistake("{\n  \"a\": 1\n  \"b\": 2}"), StartsWith("e.json:3:"));
  EXPECT_THAT(mistake("{\"a\": }"), StartsWith("e.json:1:7: syntax error"));
  EXPECT_THAT(mistake(""), HasSubstr("e.json:1:1: syntax error"));
}

TEST(ConfigNode, RefusesNanInfinityAndNumbersTooLarge) {
  EXPECT_NE(mistake("{\"a\": NaN}"), "no mistake");
  EXPECT_NE(mistake("{\"a\": Infinity}"), "no mistake");
  EXPECT_NE(mistake("{\"a\": 1e999}"), "no mistake");
}

TEST(ConfigNode, WritesNoNan) {
  ConfigNode node;
  node.set("a", std::numeric_limits<double>::quiet_NaN());
  node.set("b", -std::numeric_limits<double>::infinity());
  EXPECT_EQ(node.dump(), R"({"a":null,"b":null})");
}

TEST(ConfigNode, RefusesBottomlessNesting) {
  EXPECT_THAT(mistake(std::string(100000, '[')), HasSubstr("nested deeper than 200"));
  EXPECT_EQ(mistake(std::string(150, '[') + std::string(150, ']')), "no mistake");
}

TEST(ConfigNode, NumbersRoundTripExactly) {
  for (const double value : {0.1, 1e-300, 1.0 / 3, 5e-324, 123456789.123456789, -0.0, 1e22}) {
    ConfigNode node;
    node.set("x", value);
    const double back = ConfigNode::parse(node.dump()).at("x").as_number();
    EXPECT_EQ(std::signbit(back), std::signbit(value));
    EXPECT_EQ(back, value);
  }
  ConfigNode node;
  node.set("x", std::numeric_limits<int64_t>::min());
  EXPECT_EQ(ConfigNode::parse(node.dump()).at("x").as_integer(), std::numeric_limits<int64_t>::min());
}

TEST(ConfigNode, AccessorsSayWhatTheyMet) {
  const auto node = ConfigNode::parse(R"({"n": 3.5, "t": "x", "big": 18446744073709551615})");
  EXPECT_THROW(node.at("n").as_integer(), ConfigError);
  EXPECT_THROW(node.at("big").as_integer(), ConfigError);
  EXPECT_THROW(node.at(0), ConfigError);
  EXPECT_EQ(node.text_or("n", "else"), "else");
  EXPECT_EQ(node.text_or("t", "else"), "x");
  try {
    node.at("bog");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "there is no key 'bog' (did you mean 'big'?); there are: big, n, t");
  }
  try {
    node.at("t").as_number();
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "expected a number, got text \"x\"");
  }
}

TEST(ConfigNode, CopiesAreDeepAndMovedFromNodesAreNull) {
  auto one = ConfigNode::parse(R"({"a": {"b": 1}})");
  ConfigNode two = one;
  two.set("a", int64_t{5});
  EXPECT_EQ(one.dump(), R"({"a":{"b":1}})");
  const ConfigNode three = std::move(one);
  EXPECT_EQ(three.dump(), R"({"a":{"b":1}})");
  EXPECT_TRUE(one.is_null());  // NOLINT: that is what is tested
  one.set("c", true);
  EXPECT_EQ(one.dump(), R"({"c":true})");
}

TEST(ConfigNode, ListsGrowAndKeysGo) {
  ConfigNode list;
  list.push_back(ConfigNode::parse("1"));
  list.push_back(ConfigNode::parse("\"two\""));
  EXPECT_EQ(list.dump(), R"([1,"two"])");
  EXPECT_THROW(list.set("a", true), ConfigError);
  auto node = ConfigNode::parse(R"({"a":1,"b":2})");
  node.erase("a");
  EXPECT_EQ(node.dump(), R"({"b":2})");
}

// Any bytes end in a node that survives a round trip, or in a ConfigError; never in a crash.
TEST(ConfigNode, MutatedBytesNeverCrash) {
  const std::string good = R"({"name": "a\u00e9\n", // x
    "list": [1, -2.5e3, true, null, {"type": "zscore", "p": 0.5}], "o": {"k": "v"}})";
  Random random(1);
  int parsed = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = good;
    for (int64_t edits = random.integer(1, 4); edits > 0; --edits) {
      const auto at = static_cast<size_t>(random.integer(0, static_cast<int64_t>(bytes.size()) - 1));
      switch (random.integer(0, 3)) {
        case 0:
          bytes[at] = static_cast<char>(random.integer(0, 255));
          break;
        case 1:
          bytes.erase(at, static_cast<size_t>(random.integer(1, 6)));
          break;
        case 2:
          bytes.insert(at, 1, "{}[],:\"\\/x0"[random.integer(0, 10)]);
          break;
        default:
          bytes.insert(at, bytes.substr(at, 9));
          break;
      }
      if (bytes.empty()) bytes = " ";
    }
    try {
      const auto node = ConfigNode::parse(bytes);
      ASSERT_EQ(ConfigNode::parse(node.dump()), node);
      ++parsed;
    } catch (const ConfigError&) {
    }
  }
  EXPECT_GT(parsed, 100);
}

}  // namespace
}  // namespace lamina
