#include "legacy/php_request.h"

#include <gtest/gtest.h>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>

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
  EXPECT_TRUE(refusal("a:1:{i:0;N;}").starts_with("php: an array with names is needed"));
}

TEST(PhpRequest, RefusesBrokenTextAndNul) {
  EXPECT_EQ(refusal("a:1:{s:1:\"a\";s:1:\"\xFF\";}"), "php: not valid UTF-8");
  EXPECT_EQ(refusal("a:1:{s:1:\"\xFF\";N;}"), "php: not valid UTF-8");
  EXPECT_EQ(refusal("a:1:{s:1:\"a\";s:3:\"\xED\xA0\x80\";}"), "php: not valid UTF-8");
  EXPECT_EQ(refusal(std::string("a:1:{s:1:\"a\";s:1:\"\0\";}", 22)), "php: a NUL character is not allowed");
}

}  // namespace
}  // namespace vodlift::legacy
