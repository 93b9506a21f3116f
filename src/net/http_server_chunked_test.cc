#include "net/http_server_chunked.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vodlift::net {
namespace {

constexpr std::size_t kBodyLimit = 100;
constexpr std::size_t kOverheadLimit = 50;

struct Decoded {
  std::string body;
  std::size_t used = 0;
  bool done = false;
};

// Feeds `bytes` in pieces of `step` bytes.
Result<Decoded> decode(std::string_view bytes, std::size_t step = 1000) {
  ChunkedDecoder decoder(kBodyLimit, kOverheadLimit);
  Decoded out;
  while (out.used < bytes.size() && !decoder.done()) {
    const auto used = decoder.feed(bytes.substr(out.used, step), out.body);
    if (!used) return used.error();
    out.used += *used;
  }
  out.done = decoder.done();
  return out;
}

TEST(ChunkedDecoder, DecodesInPiecesOfAnySize) {
  const std::string_view coded =
      "4\r\nWiki\r\n00b;name=\"v;\"\r\npedia in\r\n.\r\n0\r\nExpires: never\r\nX:\r\n\r\nGET";
  for (std::size_t step = 1; step <= coded.size(); ++step) {
    const auto decoded = decode(coded, step);
    ASSERT_TRUE(decoded) << step;
    EXPECT_EQ(decoded->body, "Wikipedia in\r\n.");
    EXPECT_TRUE(decoded->done);
    EXPECT_EQ(decoded->used, coded.size() - 3);
  }
}

TEST(ChunkedDecoder, DecodesAnEmptyBody) {
  EXPECT_TRUE(decode("0\r\n\r\n")->done);
  EXPECT_TRUE(decode("000\r\n\r\n", 1)->done);
}

TEST(ChunkedDecoder, WaitsForTheVeryEnd) {
  const std::string_view coded = "3\r\nabc\r\n0\r\n\r\n";
  for (std::size_t length = 0; length < coded.size(); ++length) {
    const auto decoded = decode(coded.substr(0, length), 1);
    ASSERT_TRUE(decoded);
    EXPECT_FALSE(decoded->done) << length;
  }
}

TEST(ChunkedDecoder, RefusesWhatAnotherReaderCouldReadDifferently) {
  for (const std::string_view coded : {"\r\n",
                                       "g\r\n",
                                       "-1\r\n",
                                       "+1\r\n",
                                       "0x1\r\n",
                                       " 1\r\n",
                                       "1 \r\n",
                                       "1\t;x\r\n",
                                       "1\n",
                                       "1\r\r",
                                       "1;a\n",
                                       "1;a\x01\r\n",
                                       "000000001\r\n",
                                       "1\r\nab",
                                       "1\r\na\n",
                                       "1\r\na\rX",
                                       "0\r\n\n",
                                       "0\r\n\rX",
                                       "0\r\nX\r\n",
                                       "0\r\n:x\r\n",
                                       "0\r\n x: y\r\n",
                                       "0\r\nx : y\r\n",
                                       "0\r\nx: y\n",
                                       "0\r\nx: \x01\r\n",
                                       "0\r\nx: y\r\n z\r\n"}) {
    const auto decoded = decode(coded, 1);
    ASSERT_FALSE(decoded) << coded;
    EXPECT_EQ(decoded.error().code, Errc::bad_request) << coded;
  }
}

TEST(ChunkedDecoder, BoundsTheBody) {
  const std::string full = "64\r\n" + std::string(100, 'x') + "\r\n";
  EXPECT_EQ(decode(full + "0\r\n\r\n")->body.size(), 100u);
  EXPECT_EQ(decode(full + "1\r\nx\r\n").error().code, Errc::too_large);
  EXPECT_EQ(decode("65\r\n").error().code, Errc::too_large);
  EXPECT_EQ(decode("FFFFFFFF\r\n").error().code, Errc::too_large);
}

TEST(ChunkedDecoder, BoundsWhatComesBesideTheBody) {
  EXPECT_TRUE(decode("0;" + std::string(40, 'x') + "\r\n\r\n")->done);
  EXPECT_EQ(decode("0;" + std::string(60, 'x')).error().code, Errc::bad_request);
  EXPECT_EQ(decode("0\r\nx:" + std::string(60, 'x')).error().code, Errc::bad_request);
  // Many small ones add up.
  std::string many;
  for (int i = 0; i < 10; ++i) many += "1;12345678\r\nx\r\n";
  EXPECT_EQ(decode(many).error().code, Errc::bad_request);
}

}  // namespace
}  // namespace vodlift::net
