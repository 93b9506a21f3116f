// What is known of each endpoint and bucket from their answers: how they confirm bytes, where a bucket is, the store's
// time, how many requests fit, and how fast requests are.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "core/bucket_access.h"
#include "core/bucket_doctor.h"
#include "core/object_store.h"
#include "core/upload.h"
#include "s3/bucket_state.h"
#include "s3/circuit_breaker.h"
#include "s3/public_read.h"
#include "s3/request_outcome.h"
#include "s3/s3_errors.h"
#include "s3/s3_metrics.h"

namespace vodlift::s3 {

// `access` for the bucket in `region`. An endpoint of AWS contains the region's name and becomes that of `region`. Any
// other endpoint stays, so that credentials go only where the operator said.
BucketAccess in_region(BucketAccess access, std::string_view region);

// Whether `text`, which a store sent, can be the name of a region.
bool is_region(std::string_view text);

// How an endpoint confirms bytes.
struct EndpointFacts {
  ChecksumMode whole = ChecksumMode::unknown;      // of an object in one request: crc32c or md5
  ChecksumMode multipart = ChecksumMode::unknown;  // crc32c, crc32c_composite or md5
  std::optional<bool> refuses_wrong_md5{};
  std::optional<bool> trailing{};  // takes a part's CRC32C after its bytes
  std::optional<bool> on_head{};   // HEAD may ask for an object's checksum
  bool drops_marks = false;        // the metadata of a multipart upload is not on its object

  bool operator==(const EndpointFacts&) const = default;
};

// The state of all endpoints and buckets, in memory only. An endpoint is identified by its URL as configured; a bucket
// by account, endpoint, region and name as configured: pass the access as configured, not what located() returns.
// Internally locked. Callbacks run on the thread that makes room for them, without the lock.
//
// Requests are refused while their endpoint, their bucket or the bucket's key counts as down; then one at a time tries.
// A 5xx is the object's fault until other objects of the bucket fail too, and the bucket's until other buckets fail
// too. Where nothing answers, an address of the bucket's own (BUCKET.HOST) is the bucket's; any other is the
// endpoint's. Accounts take turns in trying whether an endpoint is back, objects whether a bucket is. New settings of a
// bucket end what is known against it.
class EndpointStates {
 public:
  using Go = BucketState::Go;

  explicit EndpointStates(EndpointLimits limits = {}, SteadyClock steady = std::chrono::steady_clock::now);

  [[nodiscard]] EndpointFacts facts(const BucketAccess& access) const;
  // What is known of acl=public-read.
  [[nodiscard]] PublicReadFacts& public_read() { return public_read_; }
  // What is counted of all requests.
  [[nodiscard]] S3Metrics& metrics() { return metrics_; }
  // Adds `seen` to the endpoint's facts. What is unknown in `seen` stays as it was.
  void add_facts(const BucketAccess& access, const EndpointFacts& seen);

  // Not null when it is unknown whether the endpoint takes trailing checksums, and no other trial is running. The
  // caller must then try, and add what it sees to the facts. The trial ends with its last copy.
  using Trial = std::shared_ptr<const void>;
  [[nodiscard]] Trial begin_trailing_trial(const BucketAccess& access);
  // Whether the endpoint takes them is unknown again, so that the next part tries.
  void doubt_trailing(const BucketAccess& access);

  // `access` with the bucket's region and endpoint as far as they are known.
  [[nodiscard]] BucketAccess located(const BucketAccess& access) const;
  // The store's time when our clock says `now`.
  [[nodiscard]] WallTime time_at(const BucketAccess& access, WallTime now) const;
  // Notes the region or the time that a refusal contains. The refused request was made for located(access) at `now`;
  // `date` is the answer's Date header. True when a new request may succeed, because it is signed for another region
  // or time.
  bool note_refusal(const BucketAccess& access, const Failure& failure, std::string_view date, WallTime now);

  // Calls `go` now, or when the bucket has room for one more request. Each call of `go` must be followed by leave().
  // `go` must not throw. Error, and `go` is never called: that of refusal().
  Result<> enter(const ObjectTarget& target, Go go);
  // A request that entered has ended. Returns whether a failed one may be retried soon: false when its endpoint or
  // bucket is down, or the bucket has used up its retries. When it throws, it must be called again. `refusal`: the
  // request would have written, and was refused for a reason of is_refusal_of_bucket().
  bool leave(const ObjectTarget& target, Outcome outcome, std::optional<Errc> refusal = {});
  // As ObjectStore::refusal(). Errors: s3_unavailable, s3_credential.
  std::optional<Refusal> refusal(const ObjectTarget& target);
  // As the functions of BucketDoctor.
  [[nodiscard]] std::optional<BucketTrouble> trouble(const BucketAccess& access) const;
  [[nodiscard]] StoreTroubles troubles(std::span<const std::shared_ptr<const BucketAccess>> buckets) const;
  // By how much each store's clock is ahead of ours, where it is told by a refusal; kMostClocks endpoints at most.
  static constexpr std::size_t kMostClocks = 100;
  [[nodiscard]] std::map<std::string, std::chrono::seconds> clock_offsets() const;
  // The bucket takes objects, as somebody else has found out.
  void note_works(const BucketAccess& access);
  // From now on nothing waits and nothing is refused: for the end of the program.
  void open_all();

  // A request brought `bytes` (5 GiB at most) to the bucket and was confirmed `took` after its first byte. Each
  // measurement weighs 1/8 less than the next one. No effect unless `took` is above 0.
  void add_measurement(const BucketAccess& access, std::int64_t bytes, std::chrono::nanoseconds took);
  // A request with a body of `bytes` was too large for the store, or for a proxy before it.
  void note_too_large(const BucketAccess& access, std::int64_t bytes);
  // True once for each bucket: the caller tells that it changes names of metadata.
  bool begin_telling_of_names(const BucketAccess& access);
  // As ObjectStore::largest_body().
  [[nodiscard]] std::int64_t largest_body(const BucketAccess& access) const;
  // Bytes a second of one request to the bucket, >= 0; nothing: not known.
  [[nodiscard]] std::optional<std::int64_t> rate(const BucketAccess& access) const;

 private:
  struct Endpoint {
    EndpointFacts facts;
    std::weak_ptr<const void> trial;       // of trailing checksums
    std::chrono::seconds clock_offset{0};  // the store's time minus ours
    CircuitBreaker down;

    [[nodiscard]] bool idle() const { return !down.probing() && trial.expired(); }
  };

  Endpoint& endpoint_of(const BucketAccess& access);
  BucketState& bucket_of(const BucketAccess& access);
  [[nodiscard]] const Endpoint* find_endpoint(const BucketAccess& access) const;
  [[nodiscard]] const BucketState* find_bucket(const BucketAccess& access) const;
  void merge_facts(const BucketAccess& access, const EndpointFacts& seen);
  bool note_region(const BucketAccess& access, const std::string& region);
  bool note_time(const BucketAccess& access, std::string_view date, WallTime now);
  // Whether anything is known against any endpoint or bucket.
  [[nodiscard]] bool all_is_well() const;
  std::optional<Refusal> refused(const ObjectTarget& target, Endpoint& endpoint, BucketState& bucket);
  static void begin(const ObjectTarget& target, Endpoint& endpoint, BucketState& bucket);
  static void say_nothing(const ObjectTarget& target, Endpoint& endpoint, BucketState& bucket);
  void count_for_endpoint(Endpoint& endpoint, const ObjectTarget& target, Outcome outcome);

  const EndpointLimits limits_;
  const SteadyClock steady_;
  PublicReadFacts public_read_;
  S3Metrics metrics_;
  mutable std::mutex mutex_;  // guards the rest
  bool open_ = false;
  std::map<std::string, Endpoint> endpoints_;
  std::map<std::string, BucketState> buckets_;  // by bucket_key()
};

}  // namespace vodlift::s3
