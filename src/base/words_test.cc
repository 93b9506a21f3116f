#include "base/words.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace vodlift {
namespace {

enum class Digest { none, crc32c, md5, sha256 };
enum class Small : std::uint8_t { first, second };

constexpr Words<Digest> kDigests = {
    {Digest::none, "none"}, {Digest::crc32c, "crc32c"}, {Digest::md5, "md5"}, {Digest::sha256, "sha-256"}};
constexpr Words<Small> kSmall = {{Small::first, "1st"}, {Small::second, "2nd"}};

struct Outer {
  enum class Kind { one, two, three };
};

TEST(Words, CountsTheEnumeratorsOfAnyEnum) {
  static_assert(Words<Digest>::kCount == 4, "names that end in a digit count");
  static_assert(Words<Small>::kCount == 2);
  static_assert(Words<Outer::Kind>::kCount == 3);
}

TEST(Words, GoesBothWays) {
  static_assert(kDigests.word(Digest::sha256) == "sha-256");
  static_assert(kDigests.value("md5") == Digest::md5);
  static_assert(kSmall.value("2nd") == Small::second);
  EXPECT_EQ(kDigests.word(Digest::none), "none");
}

TEST(Words, KnowsNoOtherWord) {
  for (const char* word : {"", "MD5", "md", "md5 ", "sha256"}) EXPECT_FALSE(kDigests.value(word)) << word;
}

TEST(Words, RefusesATableThatIsNotComplete) {
  using Table = Words<Small>;
  EXPECT_THROW(Table({{Small::first, "1st"}}), std::logic_error);
  EXPECT_THROW(Table({{Small::second, "2nd"}, {Small::first, "1st"}}), std::logic_error);
  EXPECT_THROW(Table({{Small::first, "1st"}, {Small::second, "2nd"}, {Small::second, "2nd"}}), std::logic_error);
}

}  // namespace
}  // namespace vodlift
