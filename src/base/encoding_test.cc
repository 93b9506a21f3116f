#include "base/encoding.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

std::string all_bytes() {
  std::string out;
  for (int i = 0; i < 256; ++i) out += static_cast<char>(i);
  return out;
}

TEST(Hex, GoesBothWays) {
  EXPECT_EQ(to_hex(bytes_of("")), "");
  EXPECT_EQ(to_hex(bytes_of(std::string_view("\x00\x0f\xa5\xff", 4))), "000fa5ff");
  EXPECT_EQ(from_hex("000fA5fF"), std::string("\x00\x0f\xa5\xff", 4));
  EXPECT_EQ(from_hex(to_hex(bytes_of(all_bytes()))), all_bytes());
}

TEST(Hex, RefusesWhatIsNone) {
  for (const char* text : {"0", "000", "0g", "g0", " 00", "0x", "-1"}) EXPECT_EQ(from_hex(text), std::nullopt) << text;
}

TEST(Base64, MatchesRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) {
    EXPECT_EQ(to_base64(bytes_of(plain)), coded);
    EXPECT_EQ(from_base64(coded), plain);
  }
}

TEST(Base64, CarriesEveryByteAtEveryLength) {
  const std::string bytes = all_bytes();
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    EXPECT_EQ(from_base64(to_base64(bytes_of(bytes.substr(0, length)))), bytes.substr(0, length));
  }
}

TEST(Base64, IsStrict) {
  for (const char* text : {"Zg", "Zg=", "Z===", "====", "=", "Zg==\n", " Zg==", "Zg==Zg==", "Z=g=", "Zm9-", "Zm9_",
                           "Zh==", "Zm9=", "Zm 9"}) {
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  }
}

TEST(UriEncode, LeavesTheUnreservedAlone) {
  const std::string unreserved = "ABCXYZabcxyz0189-._~";
  EXPECT_EQ(uri_encode(unreserved), unreserved);
  EXPECT_EQ(uri_encode(" +%/?&=é*'()"), "%20%2B%25%2F%3F%26%3D%C3%A9%2A%27%28%29");
  EXPECT_EQ(uri_encode("a/b c//", true), "a/b%20c//");
  EXPECT_EQ(uri_encode(std::string_view("\0\x7f\xff", 3)), "%00%7F%FF");
}

TEST(Utf8, TakesTheEdgesOfEachLength) {
  for (const char* text : {"", "a", "\x7f", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                           "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "grüße 日本 🎬"}) {
    EXPECT_TRUE(is_valid_utf8(text)) << text;
  }
  EXPECT_TRUE(is_valid_utf8(std::string_view("\0", 1)));
}

TEST(Utf8, RefusesOverlongSurrogatesAndBeyond) {
  for (const char* text : {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x80\x80", "\xE0\x9F\xBF",
                           "\xED\xA0\x80", "\xED\xBF\xBF", "\xE2\x82", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF",
                           "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xF0\x9F\x8E", "\xFE", "\xFF", "ok\xE2"}) {
    EXPECT_FALSE(is_valid_utf8(text)) << to_hex(bytes_of(text));
  }
}

TEST(Printable, ShowsWhatWouldMislead) {
  EXPECT_EQ(printable("plain grüße"), "plain grüße");
  EXPECT_EQ(printable("a\r\nb\tc\x7f\x1b[0m"), "a\\x0d\\x0ab\\x09c\\x7f\\x1b[0m");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable("x\xE2\x80\xAEy"), "x\\xe2\\x80\\xaey");  // U+202E
  EXPECT_EQ(printable("\xE2\x81\xA6\xE2\x80\x8F"), "\\xe2\\x81\\xa6\\xe2\\x80\\x8f");
  EXPECT_EQ(printable("\xE2\x80\xA8"), "\\xe2\\x80\\xa8");  // line separator
  EXPECT_EQ(printable("\xC2\x85"), "\\xc2\\x85");           // C1 control
  EXPECT_EQ(printable("\xC2\xA0\xE2\x80\x93"), "\xC2\xA0\xE2\x80\x93");
  EXPECT_EQ(printable("\xFF\xC3"), "\\xff\\xc3");
}

TEST(Printable, CutsBetweenCharacters) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdefg", 6), "abcdef…");
  EXPECT_EQ(printable("abcdé", 5), "abcd…");
  EXPECT_EQ(printable("abc\x01", 6), "abc…");
}

TEST(Encoding, PlainAsciiEndsAtTheFirstOtherByteWhereverItIs) {
  for (std::size_t size = 0; size <= 20; ++size) {
    EXPECT_EQ(plain_ascii_length(std::string(size, '~')), size);
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, ' ');
        text[at] = static_cast<char>(byte);
        const bool plain = byte >= 0x20 && byte <= 0x7E;
        ASSERT_EQ(plain_ascii_length(text), plain ? size : at) << "byte " << byte << " at " << at << " of " << size;
      }
    }
  }
}

TEST(Encoding, WhatIsPlainIsPrintedAsItIs) {
  EXPECT_TRUE(is_plain(""));
  EXPECT_TRUE(is_plain(" ~\"\\"));
  EXPECT_TRUE(is_plain("abcdef", 6));
  EXPECT_FALSE(is_plain("abcdefg", 6));
  for (const char* odd : {"a\nb", "\x7f", "grüße", "\x1b[0m", "\xFF"}) EXPECT_FALSE(is_plain(odd)) << printable(odd);
}

TEST(Encoding, AppendsAJsonString) {
  std::string out = "x:";
  append_json_string(out, "plain");
  append_json_string(out, "a\"\\\n\xC3\xA9");
  EXPECT_EQ(out, "x:\"plain\"\"a\\\"\\\\\\n\xC3\xA9\"");
}

TEST(JsonString, QuotesAndEscapes) {
  EXPECT_EQ(json_string(""), R"("")");
  EXPECT_EQ(json_string("films/a b.mp4"), R"("films/a b.mp4")");
  EXPECT_EQ(json_string(R"(say "no" \)"), R"("say \"no\" \\")");
  EXPECT_EQ(json_string("a\nb\x1f"), R"("a\nb\u001f")");
  EXPECT_EQ(json_string("grüße \x7F"), "\"grüße \x7F\"");
}

}  // namespace
}  // namespace vodlift
