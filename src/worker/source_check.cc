#include "worker/source_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/hash.h"

namespace vodlift::worker {
namespace {

// Fits into the second-level cache: the hash reads what the disk read has just put there.
constexpr std::size_t kStepBytes = std::size_t{128} * 1024;
// A slow disk writes so much within the time that a call of a storage may take.
constexpr std::int64_t kSettledAtOnce = std::int64_t{32} * 1024 * 1024;

// The part of `buffer` for the next step, when `left` bytes are left to read.
std::span<std::uint8_t> step_of(std::vector<std::uint8_t>& buffer, std::int64_t left) {
  return {buffer.data(), static_cast<std::size_t>(std::min<std::int64_t>(left, std::ssize(buffer)))};
}

Result<> compare(const ExpectedChecksum& expected, std::string actual) {
  if (actual == expected.digest) return {};
  const ExpectedChecksum found{expected.algorithm, std::move(actual)};
  return Error{
      Errc::source_mismatch,
      fmt::format("the source has the checksum {}, the request expects {}: it is another file, or was changed; "
                  "nothing was sent under this name. Put the right file there, or ask again with its checksum",
                  found.text(), expected.text())};
}

template <class Digest>
Result<> read_and_compare(const SourceFile& source, const ExpectedChecksum& expected, RunControl& control) {
  std::vector<std::uint8_t> buffer(kStepBytes);
  const SourceIdentity& identity = source.identity();
  UnfinishedReading::OfSource& so_far = control.reading().source;
  const bool goes_on = std::holds_alternative<std::unique_ptr<Digest>>(so_far.digest) && so_far.source == identity;
  if (!goes_on) so_far = {identity, 0, std::make_unique<Digest>()};
  Digest& digest = *std::get<std::unique_ptr<Digest>>(so_far.digest);
  while (so_far.offset < identity.size) {
    if (auto reason = control.ended()) return *reason;
    const std::span<std::uint8_t> step = step_of(buffer, identity.size - so_far.offset);
    if (auto read = source.read(so_far.offset, step); !read) return read;
    digest.update(step);
    so_far.offset += static_cast<std::int64_t>(step.size());
    control.reading().advanced = true;
  }
  const std::string found = to_hex(digest.finish());
  so_far = {};
  return compare(expected, found);
}

class RangeHash {
 public:
  explicit RangeHash(bool with_md5) {
    if (with_md5) md5_.emplace();
  }
  void update(std::span<const std::uint8_t> bytes) {
    crc32c_ = crc32c(crc32c_, bytes);
    if (md5_) md5_->update(bytes);
  }
  RangeChecksum finish() {
    RangeChecksum out{crc32c_, {}};
    if (!md5_) return out;
    const Md5Digest digest = md5_->finish();
    out.md5.assign(digest.begin(), digest.end());
    return out;
  }

 private:
  std::uint32_t crc32c_ = 0;
  std::optional<Md5> md5_;
};

}  // namespace

std::optional<WallTime> quiet_at(const SourceIdentity& source, const SourceReadiness& readiness, WallTime now) {
  constexpr std::int64_t kNanosecondsPerMillisecond = 1'000'000;
  const WallTime modified = from_unix_ms(source.modified_ns / kNanosecondsPerMillisecond);
  if (modified > now + readiness.quiet) return std::nullopt;
  // One millisecond more, because rounding cut off a fraction of one.
  const WallTime quiet = modified + readiness.quiet + std::chrono::milliseconds(1);
  return readiness.quiet.count() > 0 && quiet > now ? std::optional(quiet) : std::nullopt;
}

Result<bool> settle(const SourceFile& source, RunControl& control) {
  const std::int64_t size = source.identity().size;
  for (std::int64_t offset = 0; offset < size; offset += kSettledAtOnce) {
    if (auto reason = control.ended()) return *reason;
    auto settled = source.settle(offset, std::min(kSettledAtOnce, size - offset));
    if (!settled || !*settled) return settled;
  }
  return true;
}

Result<> check_by_reading(const SourceFile& source, const ExpectedChecksum& expected, RunControl& control) {
  switch (expected.algorithm) {
    case ExpectedChecksum::Algorithm::md5:
      return read_and_compare<Md5>(source, expected, control);
    case ExpectedChecksum::Algorithm::sha256:
      return read_and_compare<Sha256>(source, expected, control);
    case ExpectedChecksum::Algorithm::crc32c:
      break;
  }
  return {};
}

Result<> check_crc32c(const ExpectedChecksum& expected, std::uint32_t crc) {
  if (expected.algorithm != ExpectedChecksum::Algorithm::crc32c) return {};
  return compare(expected, crc32c_base64(crc));
}

RangeChecksum checksum_of(std::span<const std::uint8_t> bytes, bool with_md5) {
  RangeHash hash(with_md5);
  hash.update(bytes);
  return hash.finish();
}

Result<RangeChecksum> checksum_range(const SourceFile& source, std::int64_t offset, std::int64_t size, bool with_md5) {
  thread_local std::vector<std::uint8_t> buffer(kStepBytes);
  RangeHash hash(with_md5);
  while (size > 0) {
    const std::span<std::uint8_t> step = step_of(buffer, size);
    if (auto read = source.read(offset, step); !read) return read.error();
    hash.update(step);
    offset += static_cast<std::int64_t>(step.size());
    size -= static_cast<std::int64_t>(step.size());
  }
  return hash.finish();
}

Result<bool> has_parts(const SourceFile& source, const PartPlan& plan, const std::vector<Part>& parts,
                       RunControl& control) {
  for (const Part& part : parts) {
    if (auto reason = control.ended()) return *reason;
    const auto now = checksum_range(source, plan.offset_of(part.number), part.size, !part.md5.empty());
    if (!now) return now.error();
    if (now->crc32c != part.crc32c || now->md5 != part.md5) return false;
  }
  return true;
}

Result<> check_untouched(const SourceFile& source) {
  const auto now = source.check_unchanged();
  if (!now) return now.error();
  if (*now == source.identity()) return {};
  return Error{Errc::source_changed, "the file was written to while it was uploaded"};
}

// A step whose last byte is in the cache counts as cached. Where that is wrong, the transfer waits for the disk.
Result<> read_ahead(const SourceFile& source, std::int64_t offset, std::int64_t size) {
  thread_local std::vector<std::uint8_t> buffer(kStepBytes);
  while (size > 0) {
    const std::span<std::uint8_t> step = step_of(buffer, size);
    const auto length = static_cast<std::int64_t>(step.size());
    const auto cached = source.read_cached(offset + length - 1, step.first(1));
    if (!cached) return cached.error();
    if (*cached == 0) {
      if (auto read = source.read(offset, step); !read) return read;
    }
    offset += length;
    size -= length;
  }
  return {};
}

}  // namespace vodlift::worker
