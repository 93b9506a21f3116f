// The bodies of requests that carry bytes of a source file: SourceBody reads them, TrailingBody adds their checksum.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bandwidth.h"
#include "core/object_store.h"
#include "net/http_client.h"

namespace vodlift::s3 {

// Gives the bytes of a source's range to the HTTP client, and never blocks its thread. Bytes in memory are copied.
// Bytes in the page cache, where the checksum pass has just put them, go straight into libcurl's buffer. All others are
// read by a thread of the storage while the transfer waits. The transfer thread calls it; the storage's thread delivers
// what it read.
class SourceBody final : public net::BodyReader, public std::enable_shared_from_this<SourceBody> {
 public:
  // `bandwidth` must outlive the transfer. The limits of `account`, of `bucket` and of the body's storage apply.
  SourceBody(Body body, Bandwidth& bandwidth, AccountId account, const std::string& bucket)
      : body_(std::move(body)), bandwidth_(bandwidth), use_{account, bucket, body_.storage} {}

  Chunk read(std::span<std::uint8_t> buffer, const std::function<void()>& resume) override;
  void rewind() override;
  [[nodiscard]] Error failure() const override;

 private:
  Chunk give(std::size_t count);
  void end_reading(const Result<>& result);

  // Memory of a request whose bytes are not in the page cache.
  static constexpr std::size_t kSpareBytes = std::size_t{256} * 1024;

  const Body body_;
  Bandwidth& bandwidth_;
  const BandwidthUse use_;
  std::int64_t position_ = 0;  // of the next byte, within the range
  std::size_t granted_ = 0;    // bytes that may be sent, from then on
  std::optional<SteadyTime> send_from_;

  mutable std::mutex mutex_;  // guards the rest
  bool reading_ = false;
  std::vector<std::uint8_t> spare_;  // bytes that the storage read, from spare_at_ on
  std::int64_t spare_at_ = 0;
  std::optional<Error> failure_;
};

// Stores take chunks of 8 KiB at least, some of 16 MiB at most.
inline constexpr std::int64_t kChunkBytes = std::int64_t{1024} * 1024;

// The headers of a request with a framed body of `size` bytes. Its x-amz-content-sha256 must be
// kUnsignedPayloadTrailer.
std::vector<std::pair<std::string, std::string>> trailer_headers(std::int64_t size);

// The size of `size` bytes (>= 0) with frame and trailer.
std::int64_t framed_size(std::int64_t size);

// `bytes` (kChunkBytes at most) in their frame, followed by `crc32c`, right or wrong.
std::string framed(std::string_view bytes, std::uint32_t crc32c);

// Frames the bytes of `body` as "aws-chunked", with their checksum after them, so that they are read once: the checksum
// is computed while they are sent. Used on one transfer thread. Source: "Signature Calculations for the Authorization
// Header: Including Trailing Headers (Chunked Upload)", Amazon S3 API Reference, read 2026-11-26.
class TrailingBody final : public net::BodyReader {
 public:
  // `body` gives exactly `size` bytes. `crc32c` is set to their CRC32C when all have been read.
  TrailingBody(std::shared_ptr<net::BodyReader> body, std::int64_t size, std::shared_ptr<std::uint32_t> crc32c);

  Chunk read(std::span<std::uint8_t> buffer, const std::function<void()>& resume) override;
  void rewind() override;
  [[nodiscard]] Error failure() const override { return body_->failure(); }

 private:
  void frame_next();

  const std::shared_ptr<net::BodyReader> body_;
  const std::int64_t size_;
  const std::shared_ptr<std::uint32_t> crc32c_;
  std::int64_t left_ = 0;        // bytes of the body
  std::int64_t chunk_left_ = 0;  // bytes of the current chunk
  std::string frame_;            // bytes of the frame that must be sent first
};

}  // namespace vodlift::s3
