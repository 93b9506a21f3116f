// The part of `bucket check` that tries multipart uploads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bucket_access.h"
#include "s3/bucket_probe.h"
#include "s3/endpoint_state.h"

namespace vodlift::s3 {

// One multipart upload to try each request, and one to its end, with a part of the size that uploads use. One thread;
// run() once. What it is built from must outlive it.
class MultipartExamination {
 public:
  MultipartExamination(BucketProbe& probe, const BucketAccess& configured, EndpointFacts& facts)
      : probe_(probe), configured_(configured), facts_(facts) {}

  // Adds findings and facts. Returns whether an object was put together and confirmed; otherwise a CRC32C among the
  // facts is only what the store offers.
  bool run();

 private:
  enum class End { confirmed, needs_md5, unknown };

  std::optional<std::string> open(ChecksumMode offer);
  Result<ProbeAnswer> begin(ChecksumMode offer);
  void examine(const std::string& id);
  bool abort(const std::string& id);
  Result<ProbeAnswer> send_part(const std::string& id, int number, std::string body,
                                std::chrono::milliseconds patience = std::chrono::seconds(10));
  void try_wrong_checksum(const std::string& id);
  void try_trailing_checksum(const std::string& id);
  Result<ProbeAnswer> send_trailing(std::string_view number, const std::string& id, std::uint32_t crc32c);
  End put_together(bool with_large_part);
  void add_large_part(const std::string& id, std::vector<Part>& parts);
  End end_of(const Result<ProbeAnswer>& answer, std::uint32_t crc32c);
  std::string told_checksum(const ProbeAnswer& completed);

  BucketProbe& probe_;
  const BucketAccess& configured_;
  EndpointFacts& facts_;
};

}  // namespace vodlift::s3
