// Globs, by example and against a plain recursive matcher on random patterns.
#include <lamina/base/error.hpp>
#include <lamina/base/glob.hpp>
#include <lamina/base/random.hpp>
#include <lamina/base/text.hpp>

#include <gtest/gtest.h>

namespace lamina {
namespace {

TEST(Glob, StarStaysWithinOneSegment) {
  const Glob glob("encoder.blocks.*.attn.out");
  EXPECT_TRUE(glob.matches("encoder.blocks.3.attn.out"));
  EXPECT_FALSE(glob.matches("encoder.blocks.3.x.attn.out"));
  EXPECT_FALSE(glob.matches("encoder.blocks.attn.out"));
  EXPECT_TRUE(Glob("decoder.classifier_*.weight").matches("decoder.classifier_2.weight"));
  EXPECT_TRUE(Glob("*").matches("anything"));
  EXPECT_FALSE(Glob("*").matches("any.thing"));
}

TEST(Glob, TwoStarsCrossSegmentsAndMayBeEmpty) {
  EXPECT_TRUE(Glob("adapters.**").matches("adapters.depth.encoder/stages/0/output.down.weight"));
  EXPECT_TRUE(Glob("adapters.**").matches("adapters"));
  EXPECT_TRUE(Glob("**").matches("a"));
  EXPECT_TRUE(Glob("**.weight").matches("weight"));
  EXPECT_TRUE(Glob("a.**.c").matches("a.c"));
  EXPECT_TRUE(Glob("a.**.c").matches("a.b.b.c"));
  EXPECT_FALSE(Glob("a.**.c").matches("a.b.d"));
}

TEST(Glob, BracesAreAlternativesAndMayHoldDots) {
  const Glob glob("decoder.{mask_tokens,output.hyper}.**");
  EXPECT_TRUE(glob.matches("decoder.mask_tokens.weight"));
  EXPECT_TRUE(glob.matches("decoder.output.hyper.0"));
  EXPECT_FALSE(glob.matches("decoder.iou.weight"));
  EXPECT_TRUE(Glob("{a,{b,c}}d").matches("cd"));
  EXPECT_TRUE(Glob("{a,}b").matches("b"));
}

TEST(Glob, RangesCountIncludingBothEnds) {
  const Glob glob("blocks.{8..11}.out");
  EXPECT_FALSE(glob.matches("blocks.7.out"));
  EXPECT_TRUE(glob.matches("blocks.8.out"));
  EXPECT_TRUE(glob.matches("blocks.11.out"));
  EXPECT_FALSE(glob.matches("blocks.12.out"));
  EXPECT_FALSE(glob.matches("blocks.1.out"));
}

TEST(Glob, WithoutSpecialLettersMatchesOnlyItself) {
  const Glob glob("a.b+c[0]");
  EXPECT_TRUE(glob.matches("a.b+c[0]"));
  EXPECT_FALSE(glob.matches("a.bbc0"));
}

TEST(Glob, RefusesUnbalancedBracesAndEndlessRanges) {
  EXPECT_THROW(Glob("a.{b,c"), ConfigError);
  EXPECT_THROW(Glob("a.b}"), ConfigError);
  EXPECT_THROW(Glob("{5..1}"), ConfigError);
  EXPECT_THROW(Glob("{0..99999999}"), ConfigError);
  EXPECT_THROW(Glob("{-9223372036854775808..9223372036854775807}"), ConfigError);
  EXPECT_THROW(Glob("{0..99}{0..99}{0..99}"), ConfigError);
}

/// The definition, written as plainly as possible: p and n walk over letters; a '.' ends a segment.
bool plainly_matches(const std::vector<std::string>& patterns, size_t p, const std::vector<std::string>& names,
                     size_t n);

bool plainly_matches(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] == '*')
    return plainly_matches(pattern.substr(1), name) || (!name.empty() && plainly_matches(pattern, name.substr(1)));
  return !name.empty() && name[0] == pattern[0] && plainly_matches(pattern.substr(1), name.substr(1));
}

bool plainly_matches(const std::vector<std::string>& patterns, size_t p, const std::vector<std::string>& names,
                     size_t n) {
  if (p == patterns.size()) return n == names.size();
  if (patterns[p] == "**")
    return plainly_matches(patterns, p + 1, names, n) ||
           (n < names.size() && plainly_matches(patterns, p, names, n + 1));
  return n < names.size() && plainly_matches(std::string_view(patterns[p]), names[n]) &&
         plainly_matches(patterns, p + 1, names, n + 1);
}

std::string random_word(Random& random, std::string_view letters, int64_t longest) {
  std::string word;
  for (int64_t i = random.integer(1, longest); i > 0; --i)
    word += letters[static_cast<size_t>(random.integer(0, static_cast<int64_t>(letters.size()) - 1))];
  return word;
}

TEST(Glob, AgreesWithThePlainDefinitionOnRandomPatterns) {
  Random random(7);
  int matched = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::string pattern = random_word(random, "ab.**", 9), name = random_word(random, "ab.", 9);
    const bool expected = plainly_matches(split(pattern, '.'), 0, split(name, '.'), 0);
    ASSERT_EQ(Glob(pattern).matches(name), expected) << pattern << " on " << name;
    matched += expected;
  }
  EXPECT_GT(matched, 500) << "too few matches for the comparison to mean anything";
}

TEST(Glob, ManyStarsStayFast) {
  const Glob glob("a*a*a*a*a*a*a*a*a*b.**.**.**.**.c");
  EXPECT_FALSE(glob.matches(std::string(200, 'a') + ".a.a.a.a.a.a.a.a.a.a.a.a.a"));
}

TEST(Glob, AnyBytesEitherMakeAGlobOrAConfigError) {
  Random random(11);
  for (int round = 0; round < 5000; ++round) {
    const std::string pattern = random_word(random, "a.*{},{}..0159-", 14);
    try {
      Glob(pattern).matches("a.0");
    } catch (const ConfigError&) {
    }
  }
}

}  // namespace
}  // namespace lamina
