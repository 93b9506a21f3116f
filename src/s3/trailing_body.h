// A request's body with its checksum behind it ("aws-chunked"), so that the bytes are read once: they are summed as
// they leave. Source: "Signature Calculations for the Authorization Header: Including Trailing Headers (Chunked
// Upload)", Amazon S3 API Reference, read 2026-11-26.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http_client.h"

namespace vodlift::s3 {

// A store takes chunks of 8 KiB at least, and some take none above 16 MiB.
inline constexpr std::int64_t kChunkBytes = std::int64_t{1024} * 1024;

// The headers of a request whose body of `size` bytes is framed so; x-amz-content-sha256 has to say
// kUnsignedPayloadTrailer.
std::vector<std::pair<std::string, std::string>> trailer_headers(std::int64_t size);

// How many bytes `size` bytes (>= 0) are with framing and trailer.
std::int64_t framed_size(std::int64_t size);

// `bytes` (kChunkBytes at most) in their frame, with `crc32c` behind them, right or wrong.
std::string framed(std::string_view bytes, std::uint32_t crc32c);

// Frames what `body` gives. Used on one transfer thread.
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
  std::int64_t left_ = 0;        // of the body
  std::int64_t chunk_left_ = 0;  // of the chunk that is being read
  std::string frame_;            // to go out before anything else
};

}  // namespace vodlift::s3
