#include "http_head.h"

#include <gtest/gtest.h>

namespace vodlift::bench {
namespace {

TEST(HttpHead, NamesAreLoweredAndValuesTrimmed) {
  const auto head = parse_head("PUT /b/k HTTP/1.1\r\nContent-Length:  12 \r\nX-Empty:\r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->start_line, "PUT /b/k HTTP/1.1");
  EXPECT_EQ(head->header("content-length"), "12");
  EXPECT_EQ(head->header("x-empty"), "");
  EXPECT_EQ(head->header("host"), std::nullopt);
}

TEST(HttpHead, ListsFindsAWordAmongOthers) {
  const auto head = parse_head("GET / HTTP/1.1\r\nConnection: keep-alive, Close\r\n");
  ASSERT_TRUE(head);
  EXPECT_TRUE(head->lists("connection", "close"));
  EXPECT_FALSE(head->lists("connection", "upgrade"));
  EXPECT_FALSE(head->lists("expect", "100-continue"));
}

TEST(HttpHead, MalformedLinesAreRefused) {
  EXPECT_FALSE(parse_head(""));
  EXPECT_FALSE(parse_head("GET / HTTP/1.1"));
  EXPECT_FALSE(parse_head("GET / HTTP/1.1\r\nno colon\r\n"));
  EXPECT_FALSE(parse_head("GET / HTTP/1.1\r\n: nameless\r\n"));
}

TEST(HttpHead, TrailersOfAnAwsChunkedBodyBecomeHeaders) {
  HttpHead head;
  add_trailers(head, "abc\r\n0\r\nX-Amz-Checksum-Crc32c:4waSgw==\r\n\r\n");
  EXPECT_EQ(head.header("x-amz-checksum-crc32c"), "4waSgw==");
  for (const std::string_view tail : {"", "abc", "abc\r\n0\r\nx:1", "abc\r\n0\r\n\r\n", "\r\n0\r\nno colon\r\n\r\n"}) {
    HttpHead nothing;
    add_trailers(nothing, tail);
    EXPECT_TRUE(nothing.headers.empty()) << tail;
  }
}

TEST(HttpHead, CountsAreWholeAndNotNegative) {
  EXPECT_EQ(parse_count("1073741824"), 1073741824);
  EXPECT_FALSE(parse_count("-1"));
  EXPECT_FALSE(parse_count("1x"));
  EXPECT_FALSE(parse_count(""));
  EXPECT_FALSE(parse_count("99999999999999999999"));
}

}  // namespace
}  // namespace vodlift::bench
