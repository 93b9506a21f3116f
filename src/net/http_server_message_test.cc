#include "net/http_server_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vodlift::net {
namespace {

using Verdict = HeadScanner::Verdict;

constexpr std::string_view kHead = "POST /stable/ HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";

RequestHead parse(std::string_view head) { return parse_head(head, 1000).value(); }

Errc refusal(std::string_view head) {
  const auto parsed = parse_head(head, 1000);
  EXPECT_FALSE(parsed) << head;
  return parsed ? Errc::internal : parsed.error().code;
}

TEST(HeadScanner, FindsTheEndHoweverTheBytesArrive) {
  const std::string all = std::string(kHead) + "body";
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    HeadScanner scanner;
    const Verdict first = scanner.scan(all.substr(0, cut));
    EXPECT_EQ(first, cut < kHead.size() ? Verdict::more : Verdict::complete) << cut;
    if (first == Verdict::more) {
      EXPECT_EQ(scanner.scan(all), Verdict::complete) << cut;
    }
    EXPECT_EQ(scanner.size(), kHead.size()) << cut;
    EXPECT_EQ(scanner.begin(), 0u);
  }
}

TEST(HeadScanner, IgnoresOneEmptyLineInFront) {
  const std::string all = "\r\n" + std::string(kHead);
  for (std::size_t cut = 0; cut < all.size(); ++cut) {
    HeadScanner scanner;
    EXPECT_EQ(scanner.scan(all.substr(0, cut)), Verdict::more) << cut;
    EXPECT_EQ(scanner.scan(all), Verdict::complete) << cut;
    EXPECT_EQ(scanner.begin(), 2u);
    EXPECT_EQ(scanner.size(), all.size());
  }
}

TEST(HeadScanner, TellsHowLongTheRequestLineIs) {
  HeadScanner scanner;
  scanner.scan("\r\nGET /");
  EXPECT_EQ(scanner.request_line_size(), 5u);
  scanner.scan("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(scanner.request_line_size(), 16u);
}

TEST(HeadScanner, RefusesAtTheFirstBadByte) {
  for (const std::string_view bytes :
       {std::string_view("\n"), std::string_view("GET / HTTP/1.1\n"), std::string_view("\x16\x03"),
        std::string_view("G\0", 2), std::string_view("\x7F"), std::string_view("GET\rX"), std::string_view("GET\r\r"),
        std::string_view("G / HTTP/1.1\r\n "), std::string_view("G / HTTP/1.1\r\n\t"), std::string_view("\r\n\r\n")}) {
    HeadScanner scanner;
    EXPECT_EQ(scanner.scan(bytes), Verdict::bad) << bytes;
  }
}

TEST(ParseHead, ReadsFraming) {
  EXPECT_EQ(parse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n").content_length, 1000u);
  EXPECT_EQ(parse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").content_length, 0u);
  EXPECT_FALSE(parse(kHead).chunked);
  EXPECT_TRUE(parse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n").chunked);
  EXPECT_TRUE(parse("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n").expects_continue);
  EXPECT_FALSE(parse("POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\n\r\n").expects_continue);
}

TEST(ParseHead, ReadsPersistence) {
  EXPECT_TRUE(parse(kHead).keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n").keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
}

TEST(ParseHead, MakesAbsoluteTargetsRelative) {
  EXPECT_EQ(parse("GET http://b/x?y HTTP/1.1\r\nHost: a\r\n\r\n").request.target, "/x?y");
  EXPECT_EQ(parse("GET HTTPS://b:443 HTTP/1.1\r\nHost: a\r\n\r\n").request.target, "/");
  EXPECT_EQ(parse("GET http://b?y HTTP/1.1\r\nHost: a\r\n\r\n").request.target, "/?y");
  EXPECT_EQ(parse("GET //b/x HTTP/1.1\r\nHost: a\r\n\r\n").request.target, "//b/x");
  EXPECT_EQ(parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").request.target, "*");
}

TEST(ParseHead, TakesEveryLegalHost) {
  for (const std::string host : {"", "a", "a.example", "a:", "a:8080", "192.0.2.1:80", "[2001:db8::1]", "[::1]:8080"}) {
    EXPECT_TRUE(parse_head("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n", 0)) << host;
  }
  for (const std::string host :
       {"a:b", "a:1:2", "[::1", "::1]", "x[::1]", "[::1]80", "a,b", "a\\b", "a\"", "a?b", "a#b"}) {
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"), Errc::bad_request) << host;
  }
}

TEST(ParseHead, JudgesFramingBeforeAnythingElse) {
  EXPECT_EQ(
      refusal("P / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"),
      Errc::bad_request);
  EXPECT_EQ(refusal("P / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nExpect: x\r\n\r\n"),
            Errc::unsupported_media_type);
  EXPECT_EQ(refusal("P / HTTP/1.1\r\nHost: a\r\nExpect: x\r\nContent-Length: 1001\r\n\r\n"), Errc::expectation_failed);
  EXPECT_EQ(refusal("P / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n"), Errc::too_large);
}

TEST(ParseHead, TellsAnotherVersionFromNone) {
  for (const char* version : {"HTTP/0.9", "HTTP/1.2", "HTTP/2.0"}) {
    EXPECT_EQ(refusal("GET / " + std::string(version) + "\r\nHost: a\r\n\r\n"), Errc::unsupported_version) << version;
  }
  for (const char* version : {"HTTP/1", "HTTP/1.10", "HTTP/x.1", "HTTP/1.", "http/2.0", "XTTP/2.0"}) {
    EXPECT_EQ(refusal("GET / " + std::string(version) + "\r\nHost: a\r\n\r\n"), Errc::bad_request) << version;
  }
}

TEST(ParseHead, RefusesAnIncompleteHeader) {
  EXPECT_EQ(refusal(""), Errc::bad_request);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\n"), Errc::bad_request);
}

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

TEST(ChunkedDecoder, TakesExtensionsAsTheRfcWritesThem) {
  for (const std::string_view extension : {";a", ";a;b;c", ";a=b", ";a=\"\"", ";a=\"b;c\";d=1", "; a", ";a = b ; c",
                                           ";\ta\t=\t\"q\\\"q\"\t;b", ";a=\"\x80 \t\""}) {
    const std::string coded = "1" + std::string(extension) + "\r\nx\r\n0;last\r\n\r\n";
    const auto decoded = decode(coded, 1);
    ASSERT_TRUE(decoded) << extension;
    EXPECT_TRUE(decoded->done && decoded->body == "x") << extension;
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
                                       "5;\r\n",
                                       "5; \r\n",
                                       "5;b[d=1\r\n",
                                       "5;=1\r\n",
                                       "5;a=\r\n",
                                       "5;a= \r\n",
                                       "5;a=b=c\r\n",
                                       "5;;a\r\n",
                                       "5;a;\r\n",
                                       "5;a b\r\n",
                                       "5;a=b c\r\n",
                                       "5;a \r\n",
                                       "5;a=\"b\r\n",
                                       "5;a=\"b\"c\r\n",
                                       "5;a=\"b\" \r\n",
                                       "5;a=\"\\\x01\"\r\n",
                                       "5;a=b\"c\"\r\n",
                                       "5;\"a\"\r\n",
                                       "5;a=b\x80\r\n",
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
