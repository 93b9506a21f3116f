#include "legacy/php_request.h"

#include <gtest/gtest.h>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>

#include "legacy/php_value.h"

namespace vodlift::legacy {
namespace {

std::string refusal(std::string_view text) {
  const auto request = parse_php_request(text, {});
  return request ? "" : request.error().message;
}

TEST(PhpRequest, GivesFieldsAndBothSignedTexts) {
  std::array<unsigned char, 4096> memory;
  boost::json::monotonic_resource resource(memory.data(), memory.size());
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"a:3:{s:1:\"a\";s:2:\"/\n\";s:9:\"signature\";s:1:\"s\";s:1:\"b\";i:1;}",
       "a:2:{s:1:\"a\";s:2:\"/\n\";s:1:\"b\";i:1;}"},
      {"a:3:{s:9:\"signature\";s:1:\"s\";s:1:\"a\";s:2:\"/\n\";s:1:\"b\";i:1;}",
       "a:2:{s:1:\"a\";s:2:\"/\n\";s:1:\"b\";i:1;}"},
      {"a:3:{s:1:\"a\";s:2:\"/\n\";s:1:\"b\";i:1;s:9:\"signature\";s:1:\"s\";}",
       "a:2:{s:1:\"a\";s:2:\"/\n\";s:1:\"b\";i:1;}"}};
  for (const auto& [text, serialized] : cases) {
    const auto request = parse_php_request(text, &resource);
    ASSERT_TRUE(request) << text;
    EXPECT_EQ(request->fields().at("a"), "/\n");
    EXPECT_EQ(request->fields().at("signature"), "s");
    EXPECT_EQ(request->signed_text, R"({"a":"\/\n","b":1})");
    EXPECT_EQ(request->signed_serialized, serialized);
  }
}

TEST(PhpRequest, CutsTheTopLevelSignatureOnly) {
  const auto request = parse_php_request(
      "a:2:{s:9:\"signature\";a:1:{s:9:\"signature\";N;}s:8:\"metadata\";a:1:{s:9:\"signature\";s:1:\"x\";}}", {});
  ASSERT_TRUE(request);
  EXPECT_EQ(request->signed_serialized, "a:1:{s:8:\"metadata\";a:1:{s:9:\"signature\";s:1:\"x\";}}");
  EXPECT_EQ(request->signed_text, R"({"metadata":{"signature":"x"}})");
}

TEST(PhpRequest, WithoutASignatureAllOfItIsSigned) {
  const auto request = parse_php_request("a:1:{s:1:\"a\";d:1.50;}", {});
  ASSERT_TRUE(request);
  EXPECT_EQ(request->signed_serialized, "a:1:{s:1:\"a\";d:1.50;}");
  EXPECT_EQ(request->signed_text, R"({"a":1.5})");
  EXPECT_EQ(parse_php_request("a:0:{}", {})->signed_text, "[]");
  EXPECT_TRUE(parse_php_request("a:0:{}", {})->root.is_object());
}

TEST(PhpRequest, FieldsAreWhatJsonWouldHaveSent) {
  const auto request = parse_php_request(
      "a:6:{s:1:\"l\";a:2:{i:0;i:1;i:1;i:2;}s:1:\"h\";a:1:{i:3;i:4;}s:1:\"e\";a:0:{}s:1:\"d\";d:1700000000;s:1:\"t\";b:"
      "1;s:1:\"n\";"
      "N;}",
      {});
  ASSERT_TRUE(request);
  EXPECT_EQ(request->root, boost::json::parse(R"({"l":[1,2],"h":{"3":4},"e":[],"d":1700000000,"t":true,"n":null})"));
  EXPECT_EQ(request->root, boost::json::parse(request->signed_text));
}

TEST(PhpRequest, TakesJsonText) {
  const auto request = parse_php_request(R"({"a": 1, "signature": "s"})", {});
  ASSERT_TRUE(request);
  EXPECT_EQ(request->signed_text, R"({"a": 1})");
  EXPECT_FALSE(request->signed_serialized);
  EXPECT_TRUE(refusal("{\"a\":1,}").starts_with("json: "));
}

TEST(PhpRequest, RefusesWhatIsNeither) {
  for (const std::string_view text : {"", " ", "N;", "i:1;", "s:1:\"a\";", "O:8:\"stdClass\":0:{}", "[]", "null", " {}",
                                      " a:0:{}", "a", "A:0:{}", "\xEF\xBB\xBF{}", "C:3:\"Foo\":0:{}"}) {
    EXPECT_EQ(refusal(text), "php: the field holds neither a serialized array (a:…) nor JSON text ({…)") << text;
  }
  EXPECT_TRUE(refusal("a:1:{i:0;N;}").starts_with("php: must be an array with names"));
}

TEST(PhpRequest, RefusesBrokenTextAndNul) {
  EXPECT_EQ(refusal("a:1:{s:1:\"a\";s:1:\"\xFF\";}"), "php: not valid UTF-8");
  EXPECT_EQ(refusal("a:1:{s:1:\"\xFF\";N;}"), "php: not valid UTF-8");
  EXPECT_EQ(refusal("a:1:{s:1:\"a\";s:3:\"\xED\xA0\x80\";}"), "php: not valid UTF-8");
  EXPECT_EQ(refusal(std::string("a:1:{s:1:\"a\";s:1:\"\0\";}", 22)), "php: a NUL character is not allowed");
}

// The text again as PHP would write what was read, or why it was refused.
std::string reread(std::string_view text) {
  const auto document = parse_php(text);
  if (document) return php_serialize(document->root);
  EXPECT_EQ(document.error().code, Errc::invalid_value) << text;
  EXPECT_TRUE(document.error().message.starts_with("php: ")) << document.error().message;
  return "refused";
}

// `value` as the one element of an array.
std::string boxed(std::string_view value) { return "a:1:{i:0;" + std::string(value) + "}"; }

std::string nested(std::size_t depth) {
  std::string text = "a:0:{}";
  for (std::size_t i = 1; i < depth; ++i) text = boxed(text);
  return text;
}

std::string list_of(std::size_t count, std::size_t claimed) {
  std::string text = "a:" + std::to_string(claimed) + ":{";
  for (std::size_t i = 0; i < count; ++i) text += "i:" + std::to_string(i) + ";N;";
  return text + "}";
}

TEST(PhpParser, ReadsWhatPhpWrites) {
  for (const std::string_view text :
       {"a:0:{}", "a:1:{i:0;N;}", "a:2:{s:1:\"a\";b:0;s:1:\"b\";b:1;}", "a:3:{i:-1;i:0;i:0;i:-5;i:1;i:5;}",
        "a:1:{i:9223372036854775807;i:-9223372036854775808;}", "a:1:{s:0:\"\";s:0:\"\";}",
        "a:4:{i:0;d:0.1;i:1;d:-0;i:2;d:1.0E+25;i:3;d:5.0E-324;}", "a:2:{s:2:\"05\";N;s:2:\"-0\";N;}",
        "a:1:{s:19:\"9223372036854775808\";N;}", "a:1:{i:0;a:1:{s:1:\"x\";a:0:{}}}"}) {
    EXPECT_EQ(reread(text), text);
  }
}

TEST(PhpParser, A68CountsBytesAndLooksAtNone) {
  for (const std::string_view text : {"a:1:{s:3:\"€\";s:4:\"𝄞\";}", "a:1:{i:0;s:8:\"\";}s:1:\"\";}",
                                      "a:1:{i:0;s:3:\"\";}\";}", "a:1:{i:0;s:1:\"\"\";}"}) {
    EXPECT_EQ(reread(text), text);
  }
  const std::string binary = boxed(std::string("s:4:\"\0\xFF\n\x01\";", 11));
  EXPECT_EQ(reread(binary), binary);
}

TEST(PhpParser, TakesFloatsAsOlderPhpSpellsThem) {
  EXPECT_EQ(reread(boxed("d:0.10000000000000001;")), boxed("d:0.1;"));
  EXPECT_EQ(reread(boxed("d:1e3;")), boxed("d:1000;"));
  EXPECT_EQ(reread(boxed("d:1.0e-7;")), boxed("d:1.0E-7;"));
  for (const std::string_view value : {"d:INF;", "d:-INF;", "d:NAN;", "d:nan;",   "d:;",       "d:-;",      "d:.5;",
                                       "d:5.;",  "d:+1;",   "d:1e;",  "d:1e400;", "d:-1e400;", "d:1e-400;", "d:0x1p3;",
                                       "d: 1;",  "d:1",     "d:1,5;", "d:1.5.5;", "d:1e5e5;",  "d:1e+-5;"}) {
    EXPECT_EQ(reread(boxed(value)), "refused") << value;
  }
}

TEST(PhpParser, A61A62RefusesEveryOtherType) {
  for (const std::string_view value :
       {"O:8:\"stdClass\":0:{}", "C:3:\"Foo\":0:{}", "E:7:\"Foo:Bar\";", "R:1;", "r:1;", "R:2;", "S:1:\"\\61\";",
        "U:1:\"a\";", "o:0:{}", "n;", "N", "x", "", "i", "b", "O:+8:\"stdClass\":0:{}"}) {
    EXPECT_EQ(reread(value), "refused") << value;
    EXPECT_EQ(reread(boxed(value)), "refused") << value;
    EXPECT_EQ(reread("a:1:{s:8:\"metadata\";" + boxed(value) + "}"), "refused") << value;
  }
  EXPECT_EQ(reread("a:2:{i:0;s:1:\"a\";i:1;R:2;}"), "refused");
}

TEST(PhpParser, A63RefusesWrongLengths) {
  for (const std::string_view value : {"s:99999999999:\"a\";",
                                       "s:-1:\"a\";",
                                       "s:2:\"a\";",
                                       "s:0:\"a\";",
                                       "s:3:\"a\";",
                                       "s:18446744073709551615:\"a\";",
                                       "s:18446744073709551616:\"a\";",
                                       "s:18446744073709551614:\"a\";",
                                       "s:01:\"a\";",
                                       "s:+1:\"a\";",
                                       "s::\"a\";",
                                       "s:1\"a\";",
                                       "s:1:a;",
                                       "s:1:'a';",
                                       "s:1:\"a\"",
                                       "s:1:\"a\" ;",
                                       "s: 1:\"a\";",
                                       "s:1 :\"a\";",
                                       "s:1:\"a",
                                       "s:1:\"",
                                       "s:1:",
                                       "s:1",
                                       "s:",
                                       "s:1.0:\"a\";",
                                       "s:0x1:\"a\";"}) {
    EXPECT_EQ(reread(boxed(value)), "refused") << value;
  }
}

TEST(PhpParser, A64RefusesWrongCountsAndKeys) {
  for (const std::string_view text : {"a:1000000000:{",
                                      "a:2:{i:0;N;}",
                                      "a:0:{i:0;N;}",
                                      "a:1:{i:0;N;i:1;N;}",
                                      "a:1:{}",
                                      "a:-1:{}",
                                      "a:01:{i:0;N;}",
                                      "a:18446744073709551616:{}",
                                      "a:18446744073709551615:{}",
                                      "a:1:{d:0;N;}",
                                      "a:1:{b:0;N;}",
                                      "a:1:{N;N;}",
                                      "a:1:{a:0:{}N;}",
                                      "a:1:{i:0;}",
                                      "a:0:{",
                                      "a:0:",
                                      "a:0",
                                      "a:",
                                      "a",
                                      "",
                                      "a:0:}",
                                      "a:0{}",
                                      "a:1:{N;}"}) {
    EXPECT_EQ(reread(text), "refused") << text;
  }
}

TEST(PhpParser, A65A43BoundsDepthCountAndSize) {
  EXPECT_NE(reread(nested(kMaxPhpDepth)), "refused");
  EXPECT_EQ(reread(nested(kMaxPhpDepth + 1)), "refused");
  std::string deep;
  while (deep.size() < 60000) deep += "a:1:{i:0;";
  EXPECT_EQ(reread(deep), "refused");

  EXPECT_NE(reread(list_of(kMaxPhpNodes - 1, kMaxPhpNodes - 1)), "refused");
  EXPECT_EQ(reread(list_of(kMaxPhpNodes, kMaxPhpNodes)), "refused");
  // The same number in lists of lists.
  const std::string hundred = list_of(100, 100);
  std::string many = "a:10:{";
  for (int i = 0; i < 10; ++i) many += "i:" + std::to_string(i) + ";" + hundred;
  EXPECT_EQ(reread(many + "}"), "refused");

  const auto sized = [](std::size_t bytes) {
    return boxed("s:" + std::to_string(bytes - 21) + ":\"" + std::string(bytes - 21, 'x') + "\";");
  };
  ASSERT_EQ(sized(kMaxPhpBytes).size(), kMaxPhpBytes);
  EXPECT_NE(reread(sized(kMaxPhpBytes)), "refused");
  EXPECT_EQ(reread(sized(kMaxPhpBytes + 1)), "refused");
}

TEST(PhpParser, A66IsStricterThanPhp) {
  for (const std::string_view value :
       {"i:+5;", "i:05;", "i:-0;", "i: 5;", "i:5.0;", "i:;", "i:-;", "i:5", "i:9223372036854775808;",
        "i:-9223372036854775809;", "i:0x5;", "b:2;", "b:;", "b:true;", "b:-1;", "b:01;", "B:1;"}) {
    EXPECT_EQ(reread(boxed(value)), "refused") << value;
  }
  for (const std::string_view text :
       {"a:0:{} ", "a:0:{};", "a:0:{}a:0:{}", " a:0:{}", "A:0:{}", "i:5;", "N;", "s:1:\"a\";"}) {
    EXPECT_EQ(reread(text), "refused") << text;
  }
  EXPECT_EQ(reread(std::string_view("a:0:{}\0", 7)), "refused");
}

TEST(PhpParser, A67RefusesAKeyTwice) {
  for (const std::string_view text :
       {"a:2:{i:5;N;i:5;N;}", "a:2:{s:1:\"a\";N;s:1:\"a\";N;}", "a:2:{i:5;N;s:1:\"5\";N;}", "a:2:{s:1:\"5\";N;i:5;N;}",
        "a:1:{s:1:\"5\";N;}", "a:1:{s:2:\"-5\";N;}", "a:1:{s:20:\"-9223372036854775808\";N;}",
        "a:3:{i:0;N;i:1;N;i:0;N;}"}) {
    EXPECT_EQ(reread(text), "refused") << text;
  }
  EXPECT_EQ(reread("a:2:{s:1:\"a\";N;s:1:\"A\";N;}"), "a:2:{s:1:\"a\";N;s:1:\"A\";N;}");
}

TEST(PhpParser, TellsWhatAndWhere) {
  EXPECT_EQ(parse_php("a:1:{i:0;O:8:\"stdClass\":0:{}}").error().message,
            "php: must be a value: an array, string, integer, float, boolean or null, as serialize() writes them, at "
            "byte 9");
}

TEST(PhpParser, NeverReadsPastBrokenText) {
  const std::string whole = "a:3:{s:1:\"a\";a:1:{i:0;d:1.5E+20;}i:7;b:1;s:2:\"xy\";s:2:\"é\";}";
  ASSERT_EQ(reread(whole), whole);
  for (std::size_t end = 0; end < whole.size(); ++end) {
    // A heap block of this very size: one byte too far is seen by the sanitizer.
    const std::vector<char> part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(end));
    EXPECT_FALSE(parse_php({part.data(), part.size()})) << end;
  }
}

}  // namespace
}  // namespace vodlift::legacy
