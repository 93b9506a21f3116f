#include "legacy/json_request.h"

#include <gtest/gtest.h>

#include <boost/json/monotonic_resource.hpp>

namespace vodlift::legacy {
namespace {

bool accepts(std::string_view text) {
  const auto request = parse_json_request(text, {});
  if (request) return true;
  EXPECT_EQ(request.error().code, Errc::invalid_value) << text;
  EXPECT_TRUE(request.error().message.starts_with("json: ")) << request.error().message;
  return false;
}

std::string refusal(std::string_view text) {
  const auto request = parse_json_request(text, {});
  return request ? "" : request.error().message;
}

TEST(JsonRequest, GivesFieldsAndTheSignedText) {
  std::array<unsigned char, 4096> memory;
  boost::json::monotonic_resource resource(memory.data(), memory.size());
  const auto request = parse_json_request(R"({"a": "\u00fc\/", "signature": "s"})", &resource);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->fields().at("a"), "ü/");
  EXPECT_EQ(request->fields().at("signature"), "s");
  EXPECT_EQ(request->signed_text, R"({"a": "\u00fc\/"})");
}

TEST(JsonRequest, A35AcceptsWhatTheStandardAllows) {
  for (const std::string_view text :
       {"{}", " {} ", "\t\r\n{\"\":0}\n", R"({"a":"\"\\\/\b\f\n\r\t"})",
        R"({"a":[[],{},null,true,false,-0,1.5e3,1E-2]})", R"({"a":"\ud834\udd1e"})", R"({"a":"€𝄞"})",
        R"({"a":"\uFFFE"})", "{\"a\":\"\x7F\"}", "{\"a\":\"\xE2\x80\xAE\"}", R"({"a":9223372036854775807})",
        R"({"asd":"sdf","dfg":"fgh"})"}) {
    EXPECT_TRUE(accepts(text)) << text << refusal(text);
  }
}

TEST(JsonRequest, A34A48RefusesWhatTheStandardForbids) {
  for (const std::string_view text : {"{\"a\":1,}",
                                      "{,}",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\" 1}",
                                      "{a:1}",
                                      "{'a':1}",
                                      "{\"a\":1 \"b\":2}",
                                      "{\"a\":1}{}",
                                      "{}x",
                                      "{} //c",
                                      "{/**/}",
                                      "{\"a\":NaN}",
                                      "{\"a\":Infinity}",
                                      "{\"a\":+1}",
                                      "{\"a\":01}",
                                      "{\"a\":1.}",
                                      "{\"a\":.5}",
                                      "{\"a\":1e}",
                                      "{\"a\":0x1}",
                                      "{\"a\":--1}",
                                      "{\"a\":tru}",
                                      "{\"a\":TRUE}",
                                      "{\"a\":[1,]}",
                                      "{\"a\":[1 2]}",
                                      "{\"a\":[}",
                                      "{\"a\":\"\x01\"}",
                                      "{\"a\":\"\n\"}",
                                      R"({"a":"\x41"})",
                                      R"({"a":"\u12"})",
                                      R"({"a":"\"})",
                                      "{",
                                      "}",
                                      "{\"a",
                                      "{\"a\":\"b",
                                      "\xEF\xBB\xBF{}",
                                      "{\"a\":1}\xEF\xBB\xBF",
                                      "{}\x01"}) {
    EXPECT_FALSE(accepts(text)) << text;
  }
  EXPECT_FALSE(accepts(std::string_view("{}\0", 3)));
  EXPECT_NE(refusal("{\"a\":tru}").find("near byte"), std::string::npos);
}

TEST(JsonRequest, A37A38A39RefusesANameTwiceAtAnyDepth) {
  for (const std::string_view text :
       {R"({"path":"a","path":"a"})", R"({"p\u0061th":"a","path":"b"})", R"({"m":{"k":1,"k":2}})",
        R"({"l":[{"x":{"k":1,"\u006b":2}}]})", R"({"":1,"":2})"}) {
    EXPECT_FALSE(accepts(text)) << text;
    EXPECT_NE(refusal(text).find("twice"), std::string::npos) << refusal(text);
  }
  EXPECT_TRUE(accepts(R"({"k":{"k":{"k":1}},"K":2})"));
  // Beyond the size up to which objects are searched one by one.
  std::string many = "{";
  for (int i = 0; i < 60; ++i) many += "\"k" + std::to_string(i) + "\":0,";
  EXPECT_TRUE(accepts(many + "\"k60\":0}"));
  EXPECT_FALSE(accepts(many + "\"k7\":0}"));
}

TEST(JsonRequest, A46RefusesNul) {
  for (const std::string_view text : {R"({"a":"x\u0000y"})", R"({"a\u0000":1})", R"({"m":{"k":["\u0000"]}})"}) {
    EXPECT_FALSE(accepts(text)) << text;
  }
  EXPECT_TRUE(accepts(R"({"a":"\\u0000"})"));
}

TEST(JsonRequest, A36A47RefusesBrokenText) {
  for (const std::string_view text :
       {R"({"a":"\ud800"})", R"({"a":"\udc00"})", R"({"a":"\udd1e\ud834"})", R"({"a":"\ud800\ud800"})",
        R"({"a":"\ud800x"})", R"({"a":"\ud800\n"})", "{\"a\":\"\xFF\"}", "{\"a\":\"\xC0\xAE\"}",
        "{\"a\":\"\xED\xA0\x80\"}", "{\"a\":\"\xED\xA0\xB4\xED\xB4\x9E\"}", "{\"a\":\"\xF4\x90\x80\x80\"}",
        "{\"a\":\"\xE2\x82\"}", "{\"\xFF\":1}"}) {
    EXPECT_FALSE(accepts(text)) << text;
  }
}

TEST(JsonRequest, A45RefusesNumbersNobodyCanHold) {
  for (const std::string_view text :
       {R"({"a":1e400})", R"({"a":-1e400})", R"({"a":1e999999999999})", R"({"a":[1e99999]})"}) {
    EXPECT_FALSE(accepts(text)) << text;
  }
}

TEST(JsonRequest, A42RefusesDeepNestingWithoutRecursion) {
  for (const std::size_t depth : {17U, 500U, 30000U}) {
    EXPECT_FALSE(accepts("{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}"));
  }
  EXPECT_TRUE(accepts("{\"a\":" + std::string(15, '[') + std::string(15, ']') + "}"));
}

}  // namespace
}  // namespace vodlift::legacy
