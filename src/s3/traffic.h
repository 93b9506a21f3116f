// How much of what we want to ask stores we ask: at once for a bucket, at all of an endpoint, and again after a
// failure.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/error.h"
#include "core/account_store.h"

namespace vodlift::s3 {

struct TrafficLimits {
  int most_at_once = 256;  // requests to one bucket
  // So many requests to an endpoint failed in a row, none between them getting an answer: it counts as down, and only
  // one request at a time asks whether it is back, at first after `first_pause`, later after twice the last pause.
  int failures_to_pause = 16;
  std::chrono::milliseconds first_pause{5000};
  std::chrono::milliseconds longest_pause{60000};
  // Tries again that an endpoint is granted beside as many as requests went well there.
  int most_tokens = 500;
  std::size_t endpoints = 4096;  // remembered, and as many buckets; when more come, those that rest are forgotten
};

// What became of a request, as far as it says something of the store's state.
enum class Answered {
  well,       // with success, or a refusal that concerns the request alone
  throttled,  // SlowDown and the like
  failing,    // no answer, or one of a store in trouble (5xx)
  unasked,    // it ended for a reason of ours, and tells nothing of the store
};
// By what a request to the store failed with; nothing: it went well.
Answered answered(const std::optional<Errc>& failure);

// Internally locked. Callbacks are called on the thread that makes room for them, without the lock.
class Traffic {
 public:
  using Go = std::function<void()>;
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  explicit Traffic(TrafficLimits limits = {}, Clock clock = std::chrono::steady_clock::now);

  // Calls `go` now, or when the bucket has room for one more request; each call of `go` is to be followed by leave().
  // Error, and `go` is never called: s3_unavailable, while the endpoint counts as down.
  Result<> enter(const BucketAccess& access, Go go);

  // A request that entered has ended. Answers whether a failed one may be tried again soon: false when the endpoint is
  // down or has used up its tries.
  bool leave(const BucketAccess& access, Answered how);

  // From now on nothing waits: for the end of the program.
  void open();

 private:
  struct Bucket {
    double limit = 0;  // requests at once; halved when the store says to slow down, grown by successes
    int running = 0;
    std::deque<Go> waiting;
    std::optional<std::chrono::steady_clock::time_point> halved;
  };
  struct Endpoint {
    int failures = 0;  // in a row
    int tokens = 0;
    std::chrono::milliseconds pause{0};  // 0: not down
    std::chrono::steady_clock::time_point ask_again;
    bool asking = false;
  };

  Endpoint& endpoint_of(const BucketAccess& access);
  Bucket& bucket_of(const BucketAccess& access);
  void judge(Endpoint& endpoint, const BucketAccess& access, Answered how);
  void adapt(Bucket& bucket, Answered how);

  const TrafficLimits limits_;
  const Clock clock_;
  std::mutex mutex_;
  bool open_ = false;
  std::map<std::string, Endpoint> endpoints_;
  std::map<std::string, Bucket> buckets_;  // by endpoint and name
};

}  // namespace vodlift::s3
