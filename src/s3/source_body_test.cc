#include "s3/source_body.h"

#include <gtest/gtest.h>

#include <cstring>

namespace vodlift::s3 {
namespace {

// A source of which only [0, cached_) lies in memory; what read_async() was asked for is kept until answer().
class FakeSource final : public SourceFile {
 public:
  FakeSource(std::string bytes, std::int64_t cached) : bytes_(std::move(bytes)), cached_(cached) {}

  [[nodiscard]] const SourceIdentity& identity() const override { return identity_; }
  Result<> read(std::int64_t offset, std::span<std::uint8_t> buffer) const override {
    std::memcpy(buffer.data(), bytes_.data() + offset, buffer.size());
    return {};
  }
  void read_async(std::int64_t offset, std::span<std::uint8_t> buffer,
                  std::function<void(Result<>)> done) const override {
    pending_ = [this, offset, buffer, done = std::move(done)](Result<> result) {
      if (result) (void)read(offset, buffer);
      done(std::move(result));
    };
  }
  Result<std::size_t> read_cached(std::int64_t offset, std::span<std::uint8_t> buffer) const override {
    const auto count = std::clamp<std::int64_t>(cached_ - offset, 0, static_cast<std::int64_t>(buffer.size()));
    std::memcpy(buffer.data(), bytes_.data() + offset, static_cast<std::size_t>(count));
    return static_cast<std::size_t>(count);
  }
  Result<> check_unchanged() const override { return {}; }

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

TEST(SourceBody, WhatIsInMemoryIsSentInsteadOfTheFile) {
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

TEST(SourceBody, TakesTheCachedAndWaitsForTheRest) {
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

TEST(SourceBody, TellsWhenAllIsOnItsWay) {
  const auto source = std::make_shared<FakeSource>("0123456789", 10);
  int told = 0;
  Body range{source, 0, 10};
  range.sent = [&] { ++told; };
  const auto body = body_of(range);
  std::vector<std::uint8_t> buffer(6);
  EXPECT_EQ(body->read(buffer, [] {}).size, 6U);
  EXPECT_EQ(told, 0);
  EXPECT_EQ(body->read(buffer, [] {}).size, 4U);
  EXPECT_EQ(told, 1);
}

TEST(SourceBody, WaitsForItsTimeWhereAnythingIsLimited) {
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

}  // namespace
}  // namespace vodlift::s3
