// Feeds a range of a source file to the HTTP client without ever blocking its thread.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "core/bandwidth.h"
#include "core/object_store.h"
#include "net/http_client.h"

namespace vodlift::s3 {

// What the body brings along is copied. Otherwise what lies in the page cache goes straight into libcurl's buffer (the
// checksum pass has just put it there); what does not is read by a thread of the storage while the transfer waits. The
// transfer thread calls it; the storage's thread hands over what it read.
class SourceBody final : public net::BodyReader, public std::enable_shared_from_this<SourceBody> {
 public:
  // `bandwidth` must outlive the transfer; `account` and `bucket` are whose limits count, beside the storage's.
  SourceBody(Body body, Bandwidth& bandwidth, AccountId account, const std::string& bucket)
      : body_(std::move(body)), bandwidth_(bandwidth), use_{account, bucket, body_.storage} {}

  Chunk read(std::span<std::uint8_t> buffer, const std::function<void()>& resume) override;
  void rewind() override;
  [[nodiscard]] Error failure() const override;

 private:
  Chunk give(std::size_t count);

  static constexpr std::size_t kSpareBytes =
      std::size_t{256} * 1024;  // of memory, per request whose bytes are not in the cache

  const Body body_;
  Bandwidth& bandwidth_;
  const BandwidthUse use_;
  std::int64_t position_ = 0;  // of the next byte, within the range
  std::size_t granted_ = 0;    // bytes that may be sent now

  mutable std::mutex mutex_;  // guards the rest
  bool reading_ = false;
  std::vector<std::uint8_t> spare_;  // bytes the storage read, from spare_at_ on
  std::int64_t spare_at_ = 0;
  std::optional<Error> failure_;
};

}  // namespace vodlift::s3
