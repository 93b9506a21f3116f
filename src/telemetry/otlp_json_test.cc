#include "telemetry/otlp_json.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <vector>

namespace vodlift::telemetry {
namespace {

Span part_span() {
  Span span{.trace = {"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"},
            .id = "b7ad6b7169203331",
            .parent = "c7ad6b7169203332",
            .name = "part",
            .begin = from_unix_ms(1'795'000'000'123),
            .end = from_unix_ms(1'795'000'001'456)};
  span.attributes = {{"vodlift.part", std::int64_t{9'007'199'254'740'993}}, {"vodlift.bucket", std::string("videos")}};
  return span;
}

TEST(OtlpJson, IsWhatTheProtocolSays) {
  const std::vector<Span> spans = {part_span()};
  const auto json = boost::json::parse(otlp_json(spans, "host-1"));
  const auto& of_resource = json.at("resourceSpans").at(0);
  EXPECT_EQ(of_resource.at("resource").at("attributes").at(0),
            (boost::json::value{{"key", "service.name"}, {"value", {{"stringValue", "vodlift"}}}}));
  EXPECT_EQ(of_resource.at("resource").at("attributes").at(2).at("value").at("stringValue"), "host-1");
  const auto& span = of_resource.at("scopeSpans").at(0).at("spans").at(0);
  EXPECT_EQ(span.at("traceId"), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(span.at("spanId"), "b7ad6b7169203331");
  EXPECT_EQ(span.at("parentSpanId"), "c7ad6b7169203332");
  EXPECT_EQ(span.at("startTimeUnixNano"), "1795000000123000000");
  EXPECT_EQ(span.at("endTimeUnixNano"), "1795000001456000000");
  EXPECT_EQ(span.at("status").at("code"), 1);
  EXPECT_EQ(span.at("attributes").at(0).at("value").at("intValue"), "9007199254740993") << "exact, so it is a text";
  EXPECT_EQ(span.at("attributes").at(1).at("value").at("stringValue"), "videos");
}

TEST(OtlpJson, AFailureHasItsMessageAndTheFirstSpanNoParent) {
  std::vector<Span> spans = {part_span()};
  spans[0].parent.clear();
  spans[0].error = "the store did not answer";
  const auto json = boost::json::parse(otlp_json(spans, "host-1"));
  const auto& span = json.at("resourceSpans").at(0).at("scopeSpans").at(0).at("spans").at(0).as_object();
  EXPECT_FALSE(span.contains("parentSpanId"));
  EXPECT_EQ(span.at("status"), (boost::json::value{{"code", 2}, {"message", "the store did not answer"}}));
}

TEST(OtlpJson, TextsOfOthersAreMadePrintableAndCut) {
  std::vector<Span> spans = {part_span()};
  spans[0].attributes = {{"vodlift.destination_path", std::string("a\xff\x01\"b") + std::string(5000, 'x')}};
  const std::string text = otlp_json(spans, "h\xff");
  EXPECT_LT(text.size(), 2500U);
  EXPECT_NO_THROW(boost::json::parse(text));
}

}  // namespace
}  // namespace vodlift::telemetry
