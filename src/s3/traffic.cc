#include "s3/traffic.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/random.h"

namespace vodlift::s3 {
namespace {

using std::chrono::milliseconds;

// Answers to requests that were under way when the store said to slow down say so too: that is one word, not many.
constexpr milliseconds kOneWord{1000};

// Entries that rest are worth nothing but what they remember.
template <class Map, class Rests>
void make_room(Map& map, std::size_t limit, Rests rests) {
  if (map.size() < limit) return;
  for (auto at = map.begin(); at != map.end();) at = rests(at->second) ? map.erase(at) : std::next(at);
}

}  // namespace

Answered answered(const std::optional<Errc>& failure) {
  if (!failure) return Answered::well;
  switch (*failure) {
    case Errc::s3_throttled:
      return Answered::throttled;
    case Errc::network:
    case Errc::timeout:
    case Errc::tls:
    case Errc::s3_transient:
      return Answered::failing;
    case Errc::s3_clock_skew:
    case Errc::s3_credential:
    case Errc::s3_region:
    case Errc::s3_access_denied:
    case Errc::s3_acl_refused:
    case Errc::s3_no_such_bucket:
    case Errc::s3_no_such_upload:
    case Errc::s3_parts_refused:
    case Errc::s3_not_found:
    case Errc::s3_rejected:
    case Errc::s3_conflict:
    case Errc::s3_integrity:
    case Errc::destination_exists:
      return Answered::well;
    default:  // what a source failed with, and the end of the program
      return Answered::unasked;
  }
}

Traffic::Traffic(TrafficLimits limits, Clock clock) : limits_(limits), clock_(std::move(clock)) {}

Traffic::Endpoint& Traffic::endpoint_of(const BucketAccess& access) {
  if (const auto at = endpoints_.find(access.endpoint); at != endpoints_.end()) return at->second;
  make_room(endpoints_, limits_.endpoints, [](const Endpoint& one) { return !one.asking; });
  Endpoint& made = endpoints_[access.endpoint];
  made.tokens = limits_.most_tokens;
  return made;
}

Traffic::Bucket& Traffic::bucket_of(const BucketAccess& access) {
  const std::string key = access.endpoint + '\n' + access.bucket;
  if (const auto at = buckets_.find(key); at != buckets_.end()) return at->second;
  make_room(buckets_, limits_.endpoints, [](const Bucket& one) { return one.running == 0 && one.waiting.empty(); });
  Bucket& made = buckets_[key];
  made.limit = limits_.most_at_once;
  return made;
}

Result<> Traffic::enter(const BucketAccess& access, Go go) {
  {
    const std::lock_guard lock(mutex_);
    Endpoint& endpoint = endpoint_of(access);
    if (endpoint.pause > milliseconds(0) && !open_) {
      if (endpoint.asking || clock_() < endpoint.ask_again) {
        return Error{Errc::s3_unavailable,
                     fmt::format("{} has not answered for {} requests in a row; it is asked again every {} s at most",
                                 access.endpoint, endpoint.failures,
                                 std::chrono::ceil<std::chrono::seconds>(endpoint.pause).count())};
      }
      endpoint.asking = true;
    }
    Bucket& bucket = bucket_of(access);
    if (bucket.running >= static_cast<int>(bucket.limit) && !open_) {
      bucket.waiting.push_back(std::move(go));
      return {};
    }
    ++bucket.running;
  }
  go();
  return {};
}

bool Traffic::leave(const BucketAccess& access, Answered how) {
  std::vector<Go> next;
  bool again = false;
  {
    const std::lock_guard lock(mutex_);
    Endpoint& endpoint = endpoint_of(access);
    judge(endpoint, access, how);
    again = endpoint.pause == milliseconds(0) && endpoint.tokens > 0;
    Bucket& bucket = bucket_of(access);
    adapt(bucket, how);
    --bucket.running;
    while (!bucket.waiting.empty() && bucket.running < static_cast<int>(bucket.limit)) {
      next.push_back(std::move(bucket.waiting.front()));
      bucket.waiting.pop_front();
      ++bucket.running;
    }
  }
  for (const Go& go : next) go();
  return again;
}

void Traffic::judge(Endpoint& endpoint, const BucketAccess& access, Answered how) {
  if (how == Answered::unasked) {
    endpoint.asking = false;  // the next one may ask instead
    return;
  }
  if (how == Answered::well) {
    if (endpoint.pause > milliseconds(0)) log::info("endpoint answers again", {{"endpoint", access.endpoint}});
    endpoint.tokens = std::min(limits_.most_tokens, endpoint.tokens + 1);
  } else {
    endpoint.tokens = std::max(0, endpoint.tokens - 1);
  }
  if (how != Answered::failing) {
    // A store that says to slow down is there.
    endpoint.failures = 0;
    endpoint.pause = milliseconds(0);
    endpoint.asking = false;
    return;
  }
  ++endpoint.failures;
  if (endpoint.failures < limits_.failures_to_pause) return;
  if (endpoint.pause > milliseconds(0) && !endpoint.asking) return;  // began before it counted as down
  const bool is_new = endpoint.pause == milliseconds(0);
  endpoint.pause = is_new ? limits_.first_pause : std::min(limits_.longest_pause, endpoint.pause * 2);
  endpoint.asking = false;
  // Many nodes that lost the same endpoint should not come back as one.
  const auto jitter =
      std::chrono::round<milliseconds>(std::chrono::duration<double, std::milli>(endpoint.pause) * random_unit() / 4);
  endpoint.ask_again = clock_() + endpoint.pause - jitter;
  if (is_new) {
    log::warn("endpoint is down; its uploads wait, others go on",
              {{"endpoint", access.endpoint}, {"failures_in_a_row", endpoint.failures}});
  }
}

// Additive increase, multiplicative decrease: about one more for each round of requests that all went well.
void Traffic::adapt(Bucket& bucket, Answered how) {
  if (how == Answered::well) {
    bucket.limit = std::min<double>(limits_.most_at_once, bucket.limit + 1 / bucket.limit);
  } else if (how == Answered::throttled && (!bucket.halved || clock_() >= *bucket.halved + kOneWord)) {
    bucket.limit = std::max(1.0, std::min<double>(bucket.limit, bucket.running) / 2);
    bucket.halved = clock_();
  }
}

void Traffic::open() {
  std::vector<Go> next;
  {
    const std::lock_guard lock(mutex_);
    open_ = true;
    for (auto& [key, bucket] : buckets_) {
      bucket.running += static_cast<int>(bucket.waiting.size());
      for (Go& go : bucket.waiting) next.push_back(std::move(go));
      bucket.waiting.clear();
    }
  }
  for (const Go& go : next) go();
}

}  // namespace vodlift::s3
