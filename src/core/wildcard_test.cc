#include "core/wildcard.h"

#include <fnmatch.h>
#include <gtest/gtest.h>

#include <ctime>
#include <random>
#include <vector>

namespace vodlift {
namespace {

bool match(std::string_view pattern, std::string_view name) {
  const auto wildcard = Wildcard::parse(pattern);
  EXPECT_TRUE(wildcard) << pattern << ": " << (wildcard ? "" : wildcard.error().message);
  return wildcard && wildcard->matches(name);
}

TEST(Wildcard, MatchesTheWholeName) {
  EXPECT_TRUE(match("*.mp4", "film.mp4"));
  EXPECT_TRUE(match("*.mp4", ".mp4"));
  EXPECT_FALSE(match("*.mp4", "film.mp4.part"));
  EXPECT_FALSE(match("film", "film.mp4"));
  EXPECT_FALSE(match("ilm.mp4", "film.mp4"));
  EXPECT_FALSE(match("*.MP4", "film.mp4"));
  EXPECT_TRUE(match("*", ""));
  EXPECT_FALSE(match("?", ""));
  EXPECT_TRUE(match("f**m*4", "film.mp4"));
  EXPECT_TRUE(match("f?lm.[lmn]p[0-9]", "film.mp4"));
  EXPECT_TRUE(match("f[!aeu]lm*", "film.mp4"));
  EXPECT_FALSE(match("f[^a-i]lm*", "film.mp4"));
  EXPECT_TRUE(match("[]-]x", "]x"));
  EXPECT_TRUE(match("[]-]x", "-x"));
  EXPECT_TRUE(match("[a-]", "-"));
  EXPECT_TRUE(match("\\*\\?\\[", "*?["));
  EXPECT_FALSE(match("\\*", "x"));
  EXPECT_TRUE(match("[\\]]", "]"));
}

TEST(Wildcard, OneCharacterMayBeSeveralBytes) {
  EXPECT_TRUE(match("?", "ü"));
  EXPECT_TRUE(match("f?lm", "fülm"));
  EXPECT_TRUE(match("[!a]x", "€x"));
  EXPECT_TRUE(match("??", "€🎬"));
  EXPECT_FALSE(match("??", "🎬"));
  EXPECT_FALSE(match("?", "u\u0308")) << "two characters, however they look";
  EXPECT_TRUE(match("ü*", "über"));
}

TEST(Wildcard, ASlashMeansAPath) {
  EXPECT_TRUE(match("a/*.mp4", "a/b.mp4"));
  EXPECT_FALSE(match("a/*.mp4", "a/b/c.mp4"));
  EXPECT_FALSE(match("a*b/c", "a/b/c"));
  EXPECT_FALSE(match("a?b/c", "a/b/c"));
  EXPECT_FALSE(match("a[!x]b/c", "a/b/c"));
  EXPECT_FALSE(match("a[.-0]b/c", "a/b/c"));
  EXPECT_TRUE(Wildcard::parse("a/*")->for_paths());
  EXPECT_FALSE(Wildcard::parse("a*")->for_paths());
}

TEST(Wildcard, RefusesWhatHasNoOneMeaning) {
  for (const std::string& pattern :
       {std::string(), std::string(256, 'a'), std::string("["), std::string("[]"), std::string("[a"),
        std::string("[!]"), std::string("a\\"), std::string("[z-a]"), std::string("[[:digit:]]"), std::string("[ä]"),
        std::string("\xff"), std::string("a\nb"), std::string("a\0b", 3)}) {
    const auto wildcard = Wildcard::parse(pattern);
    ASSERT_FALSE(wildcard) << pattern;
    EXPECT_EQ(wildcard.error().code, Errc::invalid_value);
    EXPECT_TRUE(wildcard.error().message.starts_with("filter: ")) << wildcard.error().message;
  }
}

TEST(Wildcard, LongPatternsCrossTheWordsOfTheAutomaton) {
  for (const std::size_t length : {63U, 64U, 65U, 127U, 128U, 191U, 192U, 254U, 255U}) {
    const std::string name(length, 'a');
    EXPECT_TRUE(match(name, name)) << length;
    EXPECT_FALSE(match(name, name + "a")) << length;
    EXPECT_FALSE(match(name, name.substr(1))) << length;
    EXPECT_TRUE(match(name.substr(1) + "*", name)) << length;
  }
}

// Of this thread: what else the machine does counts for nothing.
double processor_seconds() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

// Backtracking would take hours for this.
TEST(Wildcard, TakesLinearTime) {
  std::string pattern;
  while (pattern.size() + 3 < Wildcard::kMaxBytes) pattern += "*a";
  const auto wildcard = Wildcard::parse(pattern + "b");
  ASSERT_TRUE(wildcard);
  const std::string name(1'000'000, 'a');
  const double began = processor_seconds();
  EXPECT_FALSE(wildcard->matches(name));
  EXPECT_LT(processor_seconds() - began, 10.0);
}

// The C library's fnmatch() as the oracle, over patterns in which both mean the same.
TEST(Wildcard, AgreesWithFnmatch) {
  std::mt19937 random(20261124);
  const std::vector<std::string> pieces = {"a", "b", "*", "?", "[ab]", "[!a]", "\\*", ".", "-", "[a-c]", "c"};
  const std::string letters = "abc.*-";
  int matched = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string pattern;
    for (std::size_t n = 1 + random() % 6; n > 0; --n) pattern += pieces[random() % pieces.size()];
    std::string name;
    for (std::size_t n = random() % 7; n > 0; --n) name += letters[random() % letters.size()];
    const bool expected = ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
    matched += expected ? 1 : 0;
    ASSERT_EQ(match(pattern, name), expected) << pattern << " on " << name;
  }
  EXPECT_GT(matched, 5'000);
}

}  // namespace
}  // namespace vodlift
