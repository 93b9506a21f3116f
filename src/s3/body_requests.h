// Requests that carry bytes of a source: how they are made, and how a part is sent and confirmed.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "core/bandwidth.h"
#include "core/object_store.h"
#include "s3/s3_checksums.h"
#include "s3/s3_client.h"

namespace vodlift::s3 {

// How long a store may make us wait for a request with that many bytes.
std::chrono::seconds longest_wait(std::int64_t bytes);

// Internally locked. What it is built from must outlive it.
class BodyRequests {
 public:
  using PartDone = ObjectStore::PartDone;

  BodyRequests(S3Client& s3, Bandwidth& bandwidth, EndpointStates& endpoints)
      : s3_(s3), bandwidth_(bandwidth), endpoints_(endpoints) {}

  // A request that carries `body`, with no time limit but the stall's and longest_wait().
  [[nodiscard]] net::HttpRequest make(const ObjectTarget& target, const S3Call& call, const Credentials& credentials,
                                      const Body& body) const;
  // The error of a request whose body has `bytes`. One that was too large is noted for the bucket.
  Error refused(const ObjectTarget& target, Error error, std::int64_t bytes);
  // As ObjectStore::upload_part().
  void upload_part(const ObjectTarget& target, const Multipart& multipart, int number, const Body& body,
                   const std::optional<RangeChecksum>& checksum, PartDone done);

 private:
  // Sends a part with its checksum in the head. Errors also: s3_parts_refused (all parts must be sent again, with
  // another checksum).
  void send_part(const ObjectTarget& target, S3Call call, const Body& body, const RangeChecksum& checksum,
                 SentChecksum kind, PartDone done);
  // Sends a part with its checksum after the bytes. Errors also: s3_rejected (the store may not take that).
  void send_trailing_part(const ObjectTarget& target, S3Call call, const Body& body, PartDone done);
  // send_trailing_part() where it is unknown whether the store takes it; if not, sends again with `checksum` in the
  // head.
  void try_trailing_part(const EndpointStates::Trial& trial, const ObjectTarget& target, const S3Call& call,
                         const Body& body, const RangeChecksum& checksum, PartDone done);
  // confirmed_bytes() of a part. Errors as send_part()'s.
  Result<StoredBytes> confirm_part(const ObjectTarget& target, const S3Call& call, const net::HttpResponse& response,
                                   const RangeChecksum& checksum, SentChecksum sent);

  S3Client& s3_;
  Bandwidth& bandwidth_;
  EndpointStates& endpoints_;
};

}  // namespace vodlift::s3
