#include "door/json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

namespace vodlift::door {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view text) {
  const auto parsed = parse_json(text);
  EXPECT_FALSE(parsed) << text;
  if (parsed) return {};
  EXPECT_EQ(parsed.error().code, Errc::invalid_value);
  return parsed.error().message;
}

TEST(JsonText, TakesWhatHasOneReading) {
  for (const char* text : {"{}", "[]", "7", R"({"a":{"a":1},"b":[{"a":2},{"a":3}]})", R"({"a:b\":c":":","\\":1})",
                           R"("\"")", " {\"a\" : 1} "}) {
    const auto parsed = parse_json(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().message;
  }
  EXPECT_EQ(boost::json::serialize(*parse_json(R"({"é":"\u00e9"})")), R"({"é":"é"})");
}

TEST(JsonText, RefusesANameThatOccursTwiceAtAnyDepth) {
  for (const char* text : {R"({"a":1,"a":1})", R"({"a":1,"\u0061":2})", R"({"x":[{"b":{"a":1,"a":2}}]})"}) {
    EXPECT_THAT(refusal(text), HasSubstr("occurs twice")) << text;
  }
}

TEST(JsonText, RefusesWhatIsNotClear) {
  EXPECT_THAT(refusal("{\"a\":\"\xff\"}"), HasSubstr("UTF-8"));
  EXPECT_THAT(refusal(R"({"a":"\u0000"})"), HasSubstr("u0000"));
  EXPECT_THAT(refusal(R"({"a\u0000":1})"), HasSubstr("u0000"));
  EXPECT_THAT(refusal(R"({"a":1e999})"), HasSubstr("too large"));
  EXPECT_THAT(refusal(R"(["\ud800"])"), HasSubstr("not valid"));
  EXPECT_THAT(refusal(std::string(17, '[') + std::string(17, ']')), HasSubstr("not valid"));
  for (const char* text : {"", "{", "[1", "{}x", "{a:1}", "{\"a\":1,}"})
    EXPECT_THAT(refusal(text), HasSubstr("not valid"));
}

}  // namespace
}  // namespace vodlift::door
