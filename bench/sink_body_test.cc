#include "sink_body.h"

#include <gtest/gtest.h>

namespace vodlift::bench {
namespace {

TEST(SinkBody, FixedTakesItsLengthAndNoMore) {
  SinkBody body = SinkBody::fixed(5);
  EXPECT_EQ(body.consume("abc"), 3U);
  EXPECT_EQ(body.discardable(), 2);
  EXPECT_EQ(body.consume("deNEXT"), 2U);
  EXPECT_TRUE(body.done());
  EXPECT_EQ(body.size(), 5);
}

TEST(SinkBody, FixedMayBeDroppedUnread) {
  SinkBody body = SinkBody::fixed(std::int64_t{1} << 40);
  body.discarded((std::int64_t{1} << 40) - 1);
  EXPECT_FALSE(body.done());
  body.discarded(1);
  EXPECT_TRUE(body.done());
  EXPECT_TRUE(SinkBody::fixed(0).done());
}

TEST(SinkBody, TheEndOfAFixedOneIsKeptWhereAsked) {
  for (const std::size_t step : {1U, 3U, 100U}) {
    SinkBody body = SinkBody::fixed(10, 4);
    EXPECT_EQ(body.discardable(), 6);
    body.discarded(2);
    const std::string_view wire = "cdefghijNEXT";
    std::size_t used = 0;
    while (!body.done()) used += body.consume(wire.substr(used, step));
    EXPECT_EQ(used, 8U);
    EXPECT_EQ(body.tail(), "ghij");
    EXPECT_EQ(body.size(), 10);
  }
  SinkBody shorter = SinkBody::fixed(2, 4);
  EXPECT_EQ(shorter.discardable(), 0);
  EXPECT_EQ(shorter.consume("ab"), 2U);
  EXPECT_EQ(shorter.tail(), "ab");
  EXPECT_TRUE(SinkBody::fixed(0, 4).done());
}

TEST(SinkBody, ChunksCutAnywhereCountTheirDataOnly) {
  const std::string wire = "4;name=value\r\nWiki\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nX-Sum: 1\r\n\r\n";
  for (std::size_t step = 1; step <= wire.size(); ++step) {
    SinkBody body = SinkBody::chunked();
    std::size_t used = 0;
    for (std::size_t at = 0; at < wire.size(); at += step)
      used += body.consume(std::string_view(wire).substr(at, step));
    EXPECT_TRUE(body.done()) << step;
    EXPECT_EQ(used, wire.size()) << step;
    EXPECT_EQ(body.size(), 30) << step;
  }
}

TEST(SinkBody, ChunkDataMayBeDroppedUnread) {
  SinkBody body = SinkBody::chunked();
  EXPECT_EQ(body.discardable(), 0);
  body.consume("10\r\n");
  EXPECT_EQ(body.discardable(), 16);
  body.discarded(16);
  EXPECT_EQ(body.consume("\r\n0\r\n\r\nNEXT"), 7U);
  EXPECT_TRUE(body.done());
}

TEST(SinkBody, BrokenFramingFails) {
  for (const std::string_view wire :
       {"xyz\r\n", "\r\n", "-1\r\n", "FFFFFFFFFFFFFFFFF\r\n", "4\nWiki", "2\r\nabX\r\n"}) {
    SinkBody body = SinkBody::chunked();
    body.consume(wire);
    EXPECT_TRUE(body.failed()) << wire;
  }
  SinkBody endless = SinkBody::chunked();
  endless.consume(std::string(100000, '1'));
  EXPECT_TRUE(endless.failed());
}

}  // namespace
}  // namespace vodlift::bench
