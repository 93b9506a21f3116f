#include "s3/request_body.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <random>

#include "base/encoding.h"
#include "base/hash.h"

namespace vodlift::s3 {
namespace {

// A source of which only [0, cached_) lies in memory; what read_async() was asked for is kept until answer().
class FakeSource final : public SourceFile {
 public:
  FakeSource(std::string bytes, std::int64_t cached) : bytes_(std::move(bytes)), cached_(cached) {}

  [[nodiscard]] const SourceIdentity& identity() const override { return identity_; }
  void read_async(std::int64_t offset, std::span<std::uint8_t> buffer,
                  std::function<void(Result<>)> done) const override {
    pending_ = [this, offset, buffer, done = std::move(done)](Result<> result) {
      if (result) std::memcpy(buffer.data(), bytes_.data() + offset, buffer.size());
      done(std::move(result));
    };
  }
  Result<std::size_t> read_cached(std::int64_t offset, std::span<std::uint8_t> buffer) const override {
    const auto count = std::clamp<std::int64_t>(cached_ - offset, 0, static_cast<std::int64_t>(buffer.size()));
    std::memcpy(buffer.data(), bytes_.data() + offset, static_cast<std::size_t>(count));
    return static_cast<std::size_t>(count);
  }
  Result<bool> settle(std::int64_t, std::int64_t) const override { return true; }
  Result<SourceIdentity> check_unchanged() const override { return identity_; }

  void answer(Result<> result) const { std::exchange(pending_, nullptr)(std::move(result)); }

 private:
  const std::string bytes_;
  const std::int64_t cached_;
  const SourceIdentity identity_;
  mutable std::function<void(Result<>)> pending_;
};

// Counts no time by itself.
struct Limits {
  std::chrono::steady_clock::time_point now{std::chrono::hours(1)};
  SystemClock clock;
  Bandwidth bandwidth{clock, [this] { return now; }};
};

std::shared_ptr<SourceBody> body_of(Body body, Bandwidth* bandwidth = nullptr) {
  static Limits unlimited;
  return std::make_shared<SourceBody>(std::move(body), bandwidth != nullptr ? *bandwidth : unlimited.bandwidth, 158,
                                      "videos");
}

TEST(SourceBody, BytesInMemoryAreSentInsteadOfTheFile) {
  const auto bytes = std::make_shared<std::uint8_t[]>(4);
  std::memcpy(bytes.get(), "abcd", 4);
  Body whole{std::make_shared<FakeSource>("0123", 0), 0, 4};
  whole.bytes = bytes;
  const auto body = body_of(std::move(whole));
  std::vector<std::uint8_t> buffer(3);
  const auto next = [&] {
    const auto chunk = body->read(buffer, [] {});
    EXPECT_EQ(chunk.status, net::BodyReader::Status::ok);
    return std::string(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(chunk.size));
  };
  EXPECT_EQ(next(), "abc");
  EXPECT_EQ(next(), "d");
  body->rewind();
  EXPECT_EQ(next(), "abc") << "sent again";
}

TEST(SourceBody, TakesCachedBytesAndWaitsForTheRest) {
  const auto source = std::make_shared<FakeSource>("0123456789", 6);
  const auto body = body_of({source, 2, 7});
  std::vector<std::uint8_t> buffer(100);
  int resumed = 0;
  const auto resume = [&] { ++resumed; };

  auto chunk = body->read(buffer, resume);
  EXPECT_EQ(chunk.status, net::BodyReader::Status::ok);
  EXPECT_EQ(std::string(buffer.begin(), buffer.begin() + 4), "2345");
  ASSERT_EQ(chunk.size, 4U);

  EXPECT_EQ(body->read(buffer, resume).status, net::BodyReader::Status::wait);
  EXPECT_EQ(body->read(buffer, resume).status, net::BodyReader::Status::wait) << "asked for once";
  EXPECT_EQ(resumed, 0);
  source->answer({});
  EXPECT_EQ(resumed, 1);
  chunk = body->read(std::span(buffer).first(2), resume);
  ASSERT_EQ(chunk.size, 2U);
  EXPECT_EQ(std::string(buffer.begin(), buffer.begin() + 2), "67");
  chunk = body->read(buffer, resume);
  ASSERT_EQ(chunk.size, 1U) << "never beyond the range";
  EXPECT_EQ(buffer[0], '8');
}

TEST(SourceBody, StartsOverAfterARewind) {
  const auto source = std::make_shared<FakeSource>("0123456789", 10);
  const auto body = body_of({source, 0, 10});
  std::vector<std::uint8_t> buffer(4);
  ASSERT_EQ(body->read(buffer, [] {}).size, 4U);
  body->rewind();
  ASSERT_EQ(body->read(buffer, [] {}).size, 4U);
  EXPECT_EQ(std::string(buffer.begin(), buffer.end()), "0123");
}

TEST(SourceBody, FailsWithTheStoragesReason) {
  const auto source = std::make_shared<FakeSource>("0123456789", 0);
  const auto body = body_of({source, 0, 10});
  std::vector<std::uint8_t> buffer(4);
  EXPECT_EQ(body->read(buffer, [] {}).status, net::BodyReader::Status::wait);
  source->answer(Error{Errc::source_unreadable, "disk on fire"});
  EXPECT_EQ(body->read(buffer, [] {}).status, net::BodyReader::Status::failed);
  EXPECT_EQ(body->failure().code, Errc::source_unreadable);
}

TEST(SourceBody, ReportsWhenAllBytesWereRead) {
  const auto source = std::make_shared<FakeSource>("0123456789", 10);
  int reports = 0;
  Body range{source, 0, 10};
  range.sent = [&] { ++reports; };
  const auto body = body_of(range);
  std::vector<std::uint8_t> buffer(6);
  EXPECT_EQ(body->read(buffer, [] {}).size, 6U);
  EXPECT_EQ(reports, 0);
  EXPECT_EQ(body->read(buffer, [] {}).size, 4U);
  EXPECT_EQ(reports, 1);
}

TEST(SourceBody, WaitsForItsTimeUnderALimit) {
  Limits limits;
  const std::string bytes(20'000, 'x');
  const auto source = std::make_shared<FakeSource>(bytes, 20'000);
  for (const auto& scope :
       {BandwidthScope{BandwidthScope::Kind::all, 0, ""}, BandwidthScope{BandwidthScope::Kind::storage, 0, "sestore4"},
        BandwidthScope{BandwidthScope::Kind::account, 158, ""},
        BandwidthScope{BandwidthScope::Kind::bucket, 158, "videos"}}) {
    limits.bandwidth.set({{scope, 100'000, {}, "UTC"}});
    Body range{source, 0, 20'000};
    range.storage = "sestore4";
    const auto body = body_of(range, &limits.bandwidth);
    std::vector<std::uint8_t> buffer(100'000);
    const auto start = limits.now;
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const auto chunk = body->read(buffer, [] { FAIL() << "nothing is read from a disk"; });
      if (chunk.status == net::BodyReader::Status::wait) {
        ASSERT_GT(chunk.again_after.count(), 0);
        limits.now += chunk.again_after;
      } else {
        ASSERT_EQ(chunk.status, net::BodyReader::Status::ok);
        EXPECT_LE(chunk.size, 4096U);
        sent += chunk.size;
      }
    }
    EXPECT_EQ(sent, bytes.size());
    const auto took = std::chrono::duration<double>(limits.now - start).count();
    EXPECT_NEAR(took, 0.2, 0.1) << to_text(scope);
    limits.now += std::chrono::seconds(1);
  }
}

// Gives its bytes in steps of at most `step`, and the answers in `instead` before each of them.
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

TEST(TrailingBody, AnEmptyBodyIsOnlyATrailer) {
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

TEST(TrailingBody, SentAgainItStartsAgain) {
  Framing framing(std::string(100'000, 'x'));
  std::vector<std::uint8_t> buffer(1000);
  (void)framing.body.read(buffer, [] {});
  framing.body.rewind();
  EXPECT_EQ(framing.read_all(4096), framed(framing.bytes, crc32c(0, bytes_of(framing.bytes))));
}

TEST(TrailingBody, SendsAvailableBytesBeforeItWaits) {
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

TEST(TrailingBody, AFailureIsReported) {
  Framing framing("abc");
  std::vector<std::uint8_t> buffer(1000);
  const net::BodyReader::Chunk failed{net::BodyReader::Status::failed};
  framing.inner->instead = {failed, failed};
  (void)framing.body.read(buffer, [] {});
  EXPECT_EQ(framing.body.read(buffer, [] {}).status, net::BodyReader::Status::failed);
  EXPECT_EQ(framing.body.failure().code, Errc::source_changed);
}

TEST(TrailingBody, TheHeadersDescribeTheContent) {
  const auto headers = trailer_headers(12);
  EXPECT_EQ(headers, (std::vector<std::pair<std::string, std::string>>{{"content-encoding", "aws-chunked"},
                                                                       {"x-amz-decoded-content-length", "12"},
                                                                       {"x-amz-trailer", "x-amz-checksum-crc32c"}}));
}

TEST(TrailingBody, ALimitHoldsForItsBytesToo) {
  Limits limits;
  limits.bandwidth.set({{{BandwidthScope::Kind::all, 0, ""}, 100'000, {}, "UTC"}});
  constexpr std::int64_t kSize = 200'000;
  FakeSource source(std::string(kSize, 'v'), kSize);
  const Body body{std::shared_ptr<const SourceFile>(&source, [](const SourceFile*) {}), 0, kSize, {}, ""};
  TrailingBody framed_body(body_of(body, &limits.bandwidth), kSize, std::make_shared<std::uint32_t>());
  std::vector<std::uint8_t> buffer(std::size_t{64} * 1024);
  const auto start = limits.now;
  for (std::int64_t sent = 0; sent < framed_size(kSize);) {
    const auto chunk = framed_body.read(buffer, [] {});
    ASSERT_NE(chunk.status, net::BodyReader::Status::failed);
    sent += static_cast<std::int64_t>(chunk.size);
    limits.now += chunk.again_after;
  }
  EXPECT_GE(limits.now - start, std::chrono::milliseconds(1800)) << "200 kB at 100 kB a second";
}

}  // namespace
}  // namespace vodlift::s3
