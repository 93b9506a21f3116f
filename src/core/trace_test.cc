#include "core/trace.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

constexpr std::string_view kId = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr std::string_view kParent = "00f067aa0ba902b7";

std::string header(std::string_view version, std::string_view id, std::string_view parent, std::string_view flags) {
  return std::string(version) + "-" + std::string(id) + "-" + std::string(parent) + "-" + std::string(flags);
}

TEST(Trace, IsReadFromTheHeaderAndWrittenBack) {
  const auto trace = parse_traceparent(header("00", kId, kParent, "01"));
  ASSERT_TRUE(trace);
  EXPECT_EQ(*trace, (Trace{std::string(kId), std::string(kParent), true}));
  EXPECT_EQ(traceparent(*trace, "b7ad6b7169203331"), header("00", kId, "b7ad6b7169203331", "01"));
  EXPECT_EQ(trace_from_text(trace_text(*trace)), trace);
}

TEST(Trace, SamplingIsTheLowestBitOfTheFlags) {
  EXPECT_FALSE(parse_traceparent(header("00", kId, kParent, "00"))->sampled);
  EXPECT_FALSE(parse_traceparent(header("00", kId, kParent, "fe"))->sampled);
  EXPECT_TRUE(parse_traceparent(header("00", kId, kParent, "0b"))->sampled);
  EXPECT_EQ(traceparent({std::string(kId), "", false}, kParent), header("00", kId, kParent, "00"));
}

TEST(Trace, AFaultyHeaderIsAsNone) {
  const std::string zeros(32, '0');
  for (const std::string& text :
       {std::string(), std::string("00"), header("ff", kId, kParent, "01"), header("0G", kId, kParent, "01"),
        header("00", zeros, kParent, "01"), header("00", kId, zeros.substr(0, 16), "01"),
        header("00", "4BF92F3577B34DA6A3CE929D0E0E4736", kParent, "01"), header("00", kId, kParent, "1"),
        header("00", kId, kParent, "01-more"), header("00", kId, kParent, "0x"),
        header("00", kId.substr(1), kParent, "001"), header("01", kId, kParent, "01more"),
        header("00", kId, kParent, "01") + std::string(10'000, 'a')}) {
    EXPECT_FALSE(parse_traceparent(text)) << text.substr(0, 80);
  }
}

TEST(Trace, OfALaterVersionIsReadAsFarAsItIsKnown) {
  EXPECT_TRUE(parse_traceparent(header("01", kId, kParent, "01")));
  EXPECT_TRUE(parse_traceparent(header("cc", kId, kParent, "01-what-comes-later")));
}

TEST(Trace, OfATokenIsTheSameEachTimeAndDoesNotShowTheToken) {
  const std::string token = "0123456789abcdef0123456789abcdef";
  const Trace trace = trace_of_token(token);
  EXPECT_EQ(trace, trace_of_token(token));
  EXPECT_NE(trace, trace_of_token("1123456789abcdef0123456789abcdef"));
  EXPECT_EQ(trace.id.size(), 32U);
  EXPECT_NE(trace.id, token);
  EXPECT_TRUE(trace.parent.empty());
}

TEST(Trace, SpansOfOneTraceDifferByName) {
  const Trace trace = trace_of_token("token");
  EXPECT_EQ(span_id(trace, "upload").size(), 16U);
  EXPECT_EQ(span_id(trace, "upload"), span_id(trace, "upload"));
  EXPECT_NE(span_id(trace, "upload"), span_id(trace, "attempt 1"));
  EXPECT_NE(span_id(trace, "upload"), span_id(trace_of_token("other"), "upload"));
}

}  // namespace
}  // namespace vodlift
