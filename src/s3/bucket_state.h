// What is known of one bucket from the answers to its requests: whether it and its key work, how many requests fit, how
// large they may be, and how fast they are.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "core/bucket_access.h"
#include "core/object_store.h"
#include "core/part_plan.h"
#include "s3/circuit_breaker.h"
#include "s3/request_outcome.h"

namespace vodlift::s3 {

struct EndpointLimits {
  int max_running = 256;          // requests to one bucket at once
  CircuitBreaker::Limits down{};  // of endpoints and buckets that fail
  // Of keys that a store refuses. Two objects must be refused for their signature, as a proxy may spoil that of one.
  CircuitBreaker::Limits key{
      .failures = 2, .first_pause = std::chrono::seconds(5), .longest_pause = std::chrono::minutes(5)};
  // Retries that a bucket may use up. Each success earns one more, up to this number.
  int max_retry_tokens = 500;
  // Endpoints that are remembered, and as many buckets. When there are more, all idle ones are forgotten.
  std::size_t max_entries = 4096;
};

// Smaller requests say more about latency and TCP's slow start than about a part's speed: they are not measured.
inline constexpr std::int64_t kMinMeasuredBytes = kSmallestRatedPartBytes;
// A bucket's rate expires this long after the last measurement.
inline constexpr std::chrono::hours kRateLifetime{1};

// By what a bucket is identified: account, endpoint, region and name as configured.
std::string bucket_key(const BucketAccess& access);

// What a CircuitBreaker knows an object, a bucket or an account by.
std::size_t number_of(std::string_view text);
std::size_t number_of(AccountId account);

// Whether the bucket's requests go to the endpoint's own host, so that all buckets there share its failures.
bool shares_host(const BucketAccess& access);

// Not locked.
struct BucketState {
  using Go = std::function<void()>;

  // Why the last request that writes was refused, and since when that is so: a code of is_refusal_of_bucket().
  struct Refused {
    Errc code{};
    SteadyTime since;
  };

  std::string region;  // where the bucket is; empty: as configured
  CircuitBreaker down;
  CircuitBreaker key;
  std::optional<Refused> refuses{};
  std::int64_t version = 0;  // of the settings that these three know
  std::int64_t largest_body = kMaxPartBytes;
  int retry_tokens = 0;
  bool names_told = false;  // that it changes names of metadata
  double limit = 0;         // requests at once; halved when the store says to slow down, raised by successes
  int running = 0;
  std::list<Go> waiting;
  std::optional<SteadyTime> halved;
  // Averages of bytes and of time, so that their quotient predicts how long a part will take. A slow request weighs
  // by its time: the rate falls within a few requests, and rises within some tens.
  double average_bytes = 0;
  double average_seconds = 0;
  SteadyTime measured;

  [[nodiscard]] bool idle() const { return running == 0 && waiting.empty(); }
  // Whether anything is known against it.
  [[nodiscard]] bool is_in_trouble() const { return key.is_open() || down.is_open() || refuses.has_value(); }
  // Requests have these settings from now on. New ones end what is known against the bucket.
  void know(std::int64_t version_now);
  // A request ended. It counts for the bucket and its retries, for the bucket's key, and for how many requests fit.
  void count(const ObjectTarget& target, Outcome outcome, const EndpointLimits& limits, SteadyTime now);
  void count_for_key(const ObjectTarget& target, Outcome outcome, const EndpointLimits& limits, SteadyTime now);
  // The same for why the bucket refuses to be written to.
  void note_refusal(Outcome outcome, std::optional<Errc> code, SteadyTime now);
  void adapt(Outcome outcome, const EndpointLimits& limits, SteadyTime now);
  // As the functions of EndpointStates.
  void note_too_large(const BucketAccess& access, std::int64_t bytes);
  void measure(std::int64_t bytes, std::chrono::nanoseconds took, SteadyTime now);
  [[nodiscard]] std::optional<std::int64_t> rate(SteadyTime now) const;
};

}  // namespace vodlift::s3
