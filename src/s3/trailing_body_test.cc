#include "s3/trailing_body.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <random>

#include "base/encoding.h"
#include "base/hash.h"

namespace vodlift::s3 {
namespace {

// Gives its bytes in steps of at most `step`, and before each the answers it was told to.
class ScriptedBody final : public net::BodyReader {
 public:
  explicit ScriptedBody(std::string bytes, std::size_t step = 1'000'000) : bytes_(std::move(bytes)), step_(step) {}

  Chunk read(std::span<std::uint8_t> buffer, const std::function<void()>&) override {
    if (!instead.empty()) {
      const Chunk chunk = instead.front();
      instead.pop_front();
      return chunk;
    }
    const std::size_t count = std::min({buffer.size(), step_, bytes_.size() - at_});
    std::memcpy(buffer.data(), bytes_.data() + at_, count);
    at_ += count;
    return {Status::ok, count};
  }
  void rewind() override { at_ = 0; }
  [[nodiscard]] Error failure() const override { return {Errc::source_changed, "it became shorter"}; }

  std::deque<Chunk> instead;

 private:
  const std::string bytes_;
  const std::size_t step_;
  std::size_t at_ = 0;
};

struct Framing {
  explicit Framing(std::string content, std::size_t step = 1'000'000)
      : bytes(std::move(content)),
        inner(std::make_shared<ScriptedBody>(bytes, step)),
        body(inner, std::ssize(bytes), crc) {}

  // All that comes, in pieces of at most `piece` bytes; ends where the declared size is reached, as libcurl does.
  std::string read_all(std::size_t piece) {
    std::string out;
    std::vector<std::uint8_t> buffer(piece);
    const auto size = static_cast<std::size_t>(framed_size(std::ssize(bytes)));
    while (out.size() < size) {
      const auto chunk = body.read(std::span(buffer).first(std::min(piece, size - out.size())), [] {});
      EXPECT_EQ(chunk.status, net::BodyReader::Status::ok);
      EXPECT_GE(chunk.size, 1U);
      out.append(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(chunk.size));
    }
    return out;
  }

  const std::string bytes;
  const std::shared_ptr<std::uint32_t> crc = std::make_shared<std::uint32_t>(0);
  const std::shared_ptr<ScriptedBody> inner;
  TrailingBody body;
};

// What a store makes of it, by the rules of the documentation; fails on anything else.
std::pair<std::string, std::string> unframed(std::string_view wire) {
  std::string bytes;
  for (;;) {
    const std::size_t line = wire.find("\r\n");
    EXPECT_NE(line, std::string_view::npos);
    const auto size = std::stoul(std::string(wire.substr(0, line)), nullptr, 16);
    wire.remove_prefix(line + 2);
    if (size == 0) return {bytes, std::string(wire)};
    bytes += wire.substr(0, size);
    EXPECT_EQ(wire.substr(size, 2), "\r\n");
    wire.remove_prefix(size + 2);
  }
}

TEST(TrailingBody, TheChecksumFollowsTheBytes) {
  // The CRC32C of "123456789" is E3069283 (RFC 3720 and the catalogue of CRCs), in base64 4waSgw==.
  Framing framing("123456789");
  EXPECT_EQ(framing.read_all(1000), "9\r\n123456789\r\n0\r\nx-amz-checksum-crc32c:4waSgw==\r\n\r\n");
  EXPECT_EQ(*framing.crc, 0xE3069283U);
  EXPECT_EQ(framed("123456789", 0xE3069283U), "9\r\n123456789\r\n0\r\nx-amz-checksum-crc32c:4waSgw==\r\n\r\n");
}

TEST(TrailingBody, AnEmptyBodyIsItsTrailerAlone) {
  EXPECT_EQ(Framing("").read_all(1000), "0\r\nx-amz-checksum-crc32c:AAAAAA==\r\n\r\n");
  EXPECT_EQ(framed("", 0), "0\r\nx-amz-checksum-crc32c:AAAAAA==\r\n\r\n");
}

TEST(TrailingBody, WhateverTheSizesAllBytesArriveOnceAndAsDeclared) {
  std::mt19937 random(20261126);
  const std::vector<std::int64_t> sizes = {
      1, kChunkBytes - 1, kChunkBytes, kChunkBytes + 1, 3 * kChunkBytes, 3 * kChunkBytes + 7};
  for (const std::int64_t size : sizes) {
    std::string bytes(static_cast<std::size_t>(size), '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    for (const std::size_t piece : {std::size_t{16384}, std::size_t{262144}, 5 + random() % 100'000}) {
      Framing framing(bytes, 1 + random() % 300'000);
      const std::string wire = framing.read_all(piece);
      EXPECT_EQ(std::ssize(wire), framed_size(size)) << size << " in pieces of " << piece;
      const auto [content, trailer] = unframed(wire);
      EXPECT_TRUE(content == bytes) << size << " in pieces of " << piece;
      EXPECT_EQ(trailer, "x-amz-checksum-crc32c:" + crc32c_base64(crc32c(0, bytes_of(bytes))) + "\r\n\r\n");
    }
  }
}

TEST(TrailingBody, PiecesOfOneByte) {
  Framing framing("abc", 1);
  EXPECT_EQ(framing.read_all(1), framed("abc", crc32c(0, bytes_of("abc"))));
}

TEST(TrailingBody, SentAgainItBeginsAnew) {
  Framing framing(std::string(100'000, 'x'));
  std::vector<std::uint8_t> buffer(1000);
  (void)framing.body.read(buffer, [] {});
  framing.body.rewind();
  EXPECT_EQ(framing.read_all(4096), framed(framing.bytes, crc32c(0, bytes_of(framing.bytes))));
}

TEST(TrailingBody, WhatIsThereGoesOutBeforeItWaits) {
  Framing framing("abc");
  std::vector<std::uint8_t> buffer(1000);
  const net::BodyReader::Chunk wait{net::BodyReader::Status::wait, 0, std::chrono::milliseconds(7)};
  framing.inner->instead = {wait, wait};
  EXPECT_EQ(framing.body.read(buffer, [] {}).size, 3U) << "the chunk's head";
  const auto waiting = framing.body.read(buffer, [] {});
  EXPECT_EQ(waiting.status, net::BodyReader::Status::wait);
  EXPECT_EQ(waiting.again_after, std::chrono::milliseconds(7));
  EXPECT_EQ(framing.body.read(buffer, [] {}).size, static_cast<std::size_t>(framed_size(3)) - 3);
}

TEST(TrailingBody, AFailureIsTold) {
  Framing framing("abc");
  std::vector<std::uint8_t> buffer(1000);
  const net::BodyReader::Chunk failed{net::BodyReader::Status::failed};
  framing.inner->instead = {failed, failed};
  (void)framing.body.read(buffer, [] {});
  EXPECT_EQ(framing.body.read(buffer, [] {}).status, net::BodyReader::Status::failed);
  EXPECT_EQ(framing.body.failure().code, Errc::source_changed);
}

TEST(TrailingBody, TheHeadersTellWhatIsInside) {
  const auto headers = trailer_headers(12);
  EXPECT_EQ(headers, (std::vector<std::pair<std::string, std::string>>{{"content-encoding", "aws-chunked"},
                                                                       {"x-amz-decoded-content-length", "12"},
                                                                       {"x-amz-trailer", "x-amz-checksum-crc32c"}}));
}

}  // namespace
}  // namespace vodlift::s3
