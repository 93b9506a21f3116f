#include "worker/read_ahead.h"

#include <gtest/gtest.h>

#include <map>

namespace vodlift::worker {
namespace {

// A source of which some lies in memory; tells what it was read for.
class HalfCachedSource final : public SourceFile {
 public:
  HalfCachedSource(std::int64_t size, std::int64_t cached) : cached_(cached) { identity_.size = size; }

  [[nodiscard]] const SourceIdentity& identity() const override { return identity_; }
  Result<> read(std::int64_t offset, std::span<std::uint8_t> buffer) const override {
    if (offset + std::ssize(buffer) > identity_.size) return Error{Errc::source_changed, "shorter"};
    reads[offset] = std::ssize(buffer);
    return {};
  }
  void read_async(std::int64_t offset, std::span<std::uint8_t> buffer,
                  std::function<void(Result<>)> done) const override {
    done(read(offset, buffer));
  }
  Result<std::size_t> read_cached(std::int64_t offset, std::span<std::uint8_t> buffer) const override {
    if (offset >= identity_.size) return Error{Errc::source_changed, "shorter"};
    return offset < cached_ ? buffer.size() : std::size_t{0};
  }
  Result<> check_unchanged() const override { return {}; }

  mutable std::map<std::int64_t, std::int64_t> reads;  // offset, bytes

 private:
  SourceIdentity identity_;
  const std::int64_t cached_;
};

constexpr std::int64_t kKib = 1024;

TEST(ReadAhead, ReadsWhatIsNotInMemory) {
  const HalfCachedSource source(1000 * kKib, 512 * kKib);
  ASSERT_TRUE(read_ahead(source, 256 * kKib, 700 * kKib));
  EXPECT_EQ(
      source.reads,
      (std::map<std::int64_t, std::int64_t>{
          {512 * kKib, 128 * kKib}, {640 * kKib, 128 * kKib}, {768 * kKib, 128 * kKib}, {896 * kKib, 60 * kKib}}));
}

TEST(ReadAhead, ReadsNothingWhereAllIsThere) {
  const HalfCachedSource source(1000 * kKib, 1000 * kKib);
  ASSERT_TRUE(read_ahead(source, 0, 1000 * kKib));
  ASSERT_TRUE(read_ahead(source, 5, 0));
  EXPECT_TRUE(source.reads.empty());
}

TEST(ReadAhead, TellsWhyItCannot) {
  EXPECT_EQ(read_ahead(HalfCachedSource(1000, 0), 0, 1001).error().code, Errc::source_changed);
  EXPECT_EQ(read_ahead(HalfCachedSource(1000, 1000), 0, 1001).error().code, Errc::source_changed);
}

}  // namespace
}  // namespace vodlift::worker
