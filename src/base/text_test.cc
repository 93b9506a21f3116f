#include "base/text.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

TEST(Text, CharactersAreThoseOfAscii) {
  std::string alnum;
  std::string tokens;
  std::string controls;
  for (int c = 0; c < 256; ++c) {
    if (is_alnum(static_cast<char>(c))) alnum += static_cast<char>(c);
    if (is_token_char(static_cast<char>(c)) && !is_alnum(static_cast<char>(c))) tokens += static_cast<char>(c);
    if (is_control(static_cast<char>(c))) controls += static_cast<char>(c);
    EXPECT_EQ(is_ascii(static_cast<char>(c)), c < 128);
  }
  EXPECT_EQ(alnum, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
  EXPECT_EQ(tokens, "!#$%&'*+-.^_`|~");
  EXPECT_EQ(controls.size(), 33U);
  EXPECT_TRUE(is_control('\0') && is_control('\x1F') && is_control('\x7F') && !is_control('\x80'));
}

TEST(Text, HexDigitsOfEitherCase) {
  for (const std::string_view digits : {"0123456789abcdef", "0123456789ABCDEF"}) {
    for (std::size_t i = 0; i < digits.size(); ++i) EXPECT_EQ(hex_digit(digits[i]), static_cast<int>(i));
  }
  for (const char c : {'g', 'G', '/', ':', '@', '`', '\0', '\xFF'}) EXPECT_EQ(hex_digit(c), -1);
}

TEST(Text, ANumberHasDigitsOnly) {
  EXPECT_TRUE(is_number("0") && is_number("007"));
  for (const std::string_view text : {"", "-1", "+1", "1 ", " 1", "1a", "\xD9\xA1"}) EXPECT_FALSE(is_number(text));
}

TEST(Text, LowerCaseOfAsciiOnly) {
  EXPECT_EQ(to_lower("Video/MP4 \xC3\x84[@"), "video/mp4 \xC3\x84[@");
  EXPECT_EQ(to_lower('Z'), 'z');
  EXPECT_EQ(to_lower('['), '[');
}

TEST(Text, TrimsBothEndsAndNothingElse) {
  EXPECT_EQ(trimmed(" \t a \t b\t "), "a \t b");
  EXPECT_EQ(trimmed(" \r\n a\r"), "\r\n a\r") << "line ends are no white space here";
  EXPECT_EQ(trimmed("\ta ", " "), "\ta");
  EXPECT_EQ(trimmed(" \t "), "");
  EXPECT_EQ(trimmed(""), "");
}

TEST(Text, JoinsPieces) {
  EXPECT_EQ(joined({}), "");
  EXPECT_EQ(joined({"a", "", std::string(300, 'b'), "c"}), "a" + std::string(300, 'b') + "c");
}

}  // namespace
}  // namespace vodlift
