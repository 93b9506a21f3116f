// What is known of each endpoint and bucket from their answers: how they confirm bytes, where a bucket is, the store's
// time, how many requests fit, and how fast requests are.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "core/bucket_access.h"
#include "core/part_plan.h"
#include "core/upload.h"
#include "s3/s3_errors.h"

namespace vodlift::s3 {

struct EndpointLimits {
  int max_running = 256;  // requests to one bucket at once
  // After this many failures in a row, an endpoint counts as down. Then one request at a time tries whether it is back:
  // the first after `first_pause`, each later one after twice the last pause.
  int failures_to_pause = 16;
  std::chrono::milliseconds first_pause{5000};
  std::chrono::milliseconds longest_pause{60000};
  // Retries that an endpoint may use up. Each success earns one more, up to this number.
  int max_retry_tokens = 500;
  // Endpoints that are remembered, and as many buckets. When there are more, all idle ones are forgotten.
  std::size_t max_entries = 4096;
};

// Smaller requests say more about latency and TCP's slow start than about a part's speed: they are not measured.
inline constexpr std::int64_t kMinMeasuredBytes = kSmallestRatedPartBytes;
// A bucket's rate expires this long after the last measurement.
inline constexpr std::chrono::hours kRateLifetime{1};

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

  bool operator==(const EndpointFacts&) const = default;
};

// What a request says of the state of its store.
enum class Outcome {
  answered,   // success, or a refusal that concerns this request alone
  throttled,  // SlowDown and the like
  failed,     // no answer, or an answer of a store in trouble (5xx)
  not_sent,   // the request ended for a reason of ours, and says nothing of the store
};
// The outcome of a request that ended with `failure`; nothing: it succeeded.
Outcome outcome_of(const std::optional<Errc>& failure);

// The state of all endpoints and buckets, in memory only. An endpoint is identified by its URL as configured; a bucket
// by endpoint, region and name as configured: pass the access as configured, not what located() returns. Internally
// locked. Callbacks run on the thread that makes room for them, without the lock.
class EndpointStates {
 public:
  using Go = std::function<void()>;

  explicit EndpointStates(EndpointLimits limits = {}, SteadyClock steady = std::chrono::steady_clock::now);

  [[nodiscard]] EndpointFacts facts(const BucketAccess& access) const;
  // Adds `seen` to the endpoint's facts. What is unknown in `seen` stays as it was.
  void add_facts(const BucketAccess& access, const EndpointFacts& seen);

  // True when it is unknown whether the endpoint takes trailing checksums, and no other trial is running. The caller
  // must then try, and end the trial with the answer, or with nothing where it is still unknown.
  bool begin_trailing_trial(const BucketAccess& access);
  void end_trailing_trial(const BucketAccess& access, std::optional<bool> takes_them);

  // `access` with the bucket's region and endpoint as far as they are known.
  [[nodiscard]] BucketAccess located(const BucketAccess& access) const;
  // The store's time when our clock says `now`.
  [[nodiscard]] WallTime time_at(const BucketAccess& access, WallTime now) const;
  // Notes the region or the time that a refusal contains. The refused request was made for located(access) at `now`;
  // `date` is the answer's Date header. True when a new request may succeed, because it is signed for another region
  // or time.
  bool note_refusal(const BucketAccess& access, const Failure& failure, std::string_view date, WallTime now);

  // Calls `go` now, or when the bucket has room for one more request. Each call of `go` must be followed by leave().
  // Error, and `go` is never called: s3_unavailable, while the endpoint counts as down.
  Result<> enter(const BucketAccess& access, Go go);
  // A request that entered has ended. Returns whether a failed one may be retried soon: false when the endpoint is down
  // or has used up its retries.
  bool leave(const BucketAccess& access, Outcome outcome);
  // From now on nothing waits and nothing is refused: for the end of the program.
  void open_all();

  // A request brought `bytes` (5 GiB at most) to the bucket and was confirmed `took` after its first byte. Each
  // measurement weighs 1/8 less than the next one. No effect unless `took` is above 0.
  void add_measurement(const BucketAccess& access, std::int64_t bytes, std::chrono::nanoseconds took);
  // Bytes a second of one request to the bucket, >= 0; nothing: not known.
  [[nodiscard]] std::optional<std::int64_t> rate(const BucketAccess& access) const;

 private:
  struct Endpoint {
    EndpointFacts facts;
    bool trial = false;                    // of trailing checksums
    std::chrono::seconds clock_offset{0};  // the store's time minus ours
    int failures = 0;                      // in a row
    int retry_tokens = 0;
    std::chrono::milliseconds pause{0};  // 0: not down
    SteadyTime next_probe;               // while it is down
    bool probing = false;                // one request tries whether it is back

    [[nodiscard]] bool idle() const { return !probing && !trial; }
  };
  struct Bucket {
    std::string region;  // where the bucket is; empty: as configured
    double limit = 0;    // requests at once; halved when the store says to slow down, raised by successes
    int running = 0;
    std::deque<Go> waiting;
    std::optional<SteadyTime> halved;
    // Averages of bytes and of time, so that their quotient predicts how long a part will take. A slow request weighs
    // by its time: the rate falls within a few requests, and rises within some tens.
    double average_bytes = 0;
    double average_seconds = 0;
    SteadyTime measured;

    [[nodiscard]] bool idle() const { return running == 0 && waiting.empty(); }
  };

  Endpoint& endpoint_of(const BucketAccess& access);
  Bucket& bucket_of(const BucketAccess& access);
  [[nodiscard]] const Endpoint* find_endpoint(const BucketAccess& access) const;
  [[nodiscard]] const Bucket* find_bucket(const BucketAccess& access) const;
  void merge_facts(const BucketAccess& access, const EndpointFacts& seen);
  bool note_region(const BucketAccess& access, const std::string& region);
  bool note_time(const BucketAccess& access, std::string_view date, WallTime now);
  void count(Endpoint& endpoint, const BucketAccess& access, Outcome outcome);
  void pause(Endpoint& endpoint, const BucketAccess& access) const;
  void adapt(Bucket& bucket, Outcome outcome) const;

  const EndpointLimits limits_;
  const SteadyClock steady_;
  mutable std::mutex mutex_;  // guards the rest
  bool open_ = false;
  std::map<std::string, Endpoint> endpoints_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace vodlift::s3
