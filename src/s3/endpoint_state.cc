#include "s3/endpoint_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "net/http_date.h"
#include "s3/s3_errors.h"

namespace vodlift::s3 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMaxRegionBytes = 32;
// Dates are in whole seconds and travel. Stores refuse requests that are 15 minutes off.
constexpr seconds kTimeTolerance{60};
// Requests that were running when the store said to slow down all report it: within this time that counts once.
constexpr milliseconds kThrottleOnce{1000};
constexpr double kKeptWeight = 7.0 / 8;  // of the measurements before the new one

std::string_view word_of(const std::optional<bool>& fact, std::string_view yes, std::string_view no) {
  return !fact ? "unknown" : *fact ? yes : no;
}

std::string bucket_key(const BucketAccess& access) {
  return access.endpoint + '\n' + access.region + '\n' + access.bucket;
}

// The entry of `key`; when the map is full, all idle entries are forgotten before a new one is made.
template <class Value>
std::pair<Value&, bool> find_or_make(std::map<std::string, Value>& map, std::size_t limit, const std::string& key) {
  if (const auto at = map.find(key); at != map.end()) return {at->second, false};
  if (map.size() >= limit) {
    std::erase_if(map, [](const auto& entry) { return entry.second.idle(); });
  }
  return {map[key], true};
}

}  // namespace

bool is_region(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRegionBytes &&
         std::ranges::all_of(text, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

BucketAccess in_region(BucketAccess access, std::string_view region) {
  // "Amazon S3 endpoints and quotas", AWS General Reference, read 2026-11-24.
  constexpr std::string_view kHttps = "https://";
  constexpr std::array<std::string_view, 4> kServices = {"s3.", "s3.dualstack.", "s3-fips.", "s3-fips.dualstack."};
  constexpr std::string_view kDomain = ".amazonaws.com";
  constexpr std::string_view kGlobal = "https://s3.amazonaws.com";
  if (access.endpoint == kGlobal) access.endpoint = "https://s3." + std::string(region) + std::string(kDomain);
  for (const std::string_view service : kServices) {
    const std::string before = std::string(kHttps) + std::string(service);
    if (access.endpoint == before + access.region + std::string(kDomain)) {
      access.endpoint = before + std::string(region) + std::string(kDomain);
      break;
    }
  }
  access.region = region;
  return access;
}

Outcome outcome_of(const std::optional<Errc>& failure) {
  if (!failure) return Outcome::answered;
  switch (*failure) {
    case Errc::s3_throttled:
      return Outcome::throttled;
    case Errc::network:
    case Errc::timeout:
    case Errc::tls:
    case Errc::s3_transient:
      return Outcome::failed;
    case Errc::s3_full:
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
      return Outcome::answered;
    default:  // failures of the source, and the end of the program
      return Outcome::not_sent;
  }
}

EndpointStates::EndpointStates(EndpointLimits limits, SteadyClock steady)
    : limits_(limits), steady_(std::move(steady)) {}

EndpointStates::Endpoint& EndpointStates::endpoint_of(const BucketAccess& access) {
  const auto [endpoint, made] = find_or_make(endpoints_, limits_.max_entries, access.endpoint);
  if (made) endpoint.retry_tokens = limits_.max_retry_tokens;
  return endpoint;
}

EndpointStates::Bucket& EndpointStates::bucket_of(const BucketAccess& access) {
  const auto [bucket, made] = find_or_make(buckets_, limits_.max_entries, bucket_key(access));
  if (made) bucket.limit = limits_.max_running;
  return bucket;
}

const EndpointStates::Endpoint* EndpointStates::find_endpoint(const BucketAccess& access) const {
  const auto at = endpoints_.find(access.endpoint);
  return at == endpoints_.end() ? nullptr : &at->second;
}

const EndpointStates::Bucket* EndpointStates::find_bucket(const BucketAccess& access) const {
  const auto at = buckets_.find(bucket_key(access));
  return at == buckets_.end() ? nullptr : &at->second;
}

EndpointFacts EndpointStates::facts(const BucketAccess& access) const {
  const std::lock_guard lock(mutex_);
  const Endpoint* endpoint = find_endpoint(access);
  return endpoint == nullptr ? EndpointFacts{} : endpoint->facts;
}

void EndpointStates::add_facts(const BucketAccess& access, const EndpointFacts& seen) {
  const std::lock_guard lock(mutex_);
  merge_facts(access, seen);
}

void EndpointStates::merge_facts(const BucketAccess& access, const EndpointFacts& seen) {
  EndpointFacts& now = endpoint_of(access).facts;
  const EndpointFacts before = now;
  if (seen.whole != ChecksumMode::unknown) now.whole = seen.whole;
  if (seen.multipart != ChecksumMode::unknown) now.multipart = seen.multipart;
  if (seen.refuses_wrong_md5) now.refuses_wrong_md5 = seen.refuses_wrong_md5;
  if (seen.trailing) now.trailing = seen.trailing;
  if (seen.on_head) now.on_head = seen.on_head;
  if (now == before) return;
  log::info("how the store confirms bytes", {{"endpoint", access.endpoint},
                                             {"objects", to_string(now.whole)},
                                             {"multipart_uploads", to_string(now.multipart)},
                                             {"wrong_md5", word_of(now.refuses_wrong_md5, "refused", "ignored")},
                                             {"trailing_checksums", word_of(now.trailing, "taken", "not taken")},
                                             {"checksum_on_head", word_of(now.on_head, "reported", "refused")}});
}

bool EndpointStates::begin_trailing_trial(const BucketAccess& access) {
  const std::lock_guard lock(mutex_);
  Endpoint& endpoint = endpoint_of(access);
  if (endpoint.facts.trailing || endpoint.trial) return false;
  endpoint.trial = true;
  return true;
}

void EndpointStates::end_trailing_trial(const BucketAccess& access, std::optional<bool> takes_them) {
  const std::lock_guard lock(mutex_);
  merge_facts(access, {.trailing = takes_them});
  endpoint_of(access).trial = false;
}

BucketAccess EndpointStates::located(const BucketAccess& access) const {
  const std::lock_guard lock(mutex_);
  const Bucket* bucket = find_bucket(access);
  return bucket == nullptr || bucket->region.empty() ? access : in_region(access, bucket->region);
}

WallTime EndpointStates::time_at(const BucketAccess& access, WallTime now) const {
  const std::lock_guard lock(mutex_);
  const Endpoint* endpoint = find_endpoint(access);
  return endpoint == nullptr ? now : now + endpoint->clock_offset;
}

bool EndpointStates::note_refusal(const BucketAccess& access, const Failure& failure, std::string_view date,
                                  WallTime now) {
  const Errc errc = classify(failure);
  if (errc == Errc::s3_clock_skew) return note_time(access, date, now);
  // An answer to HEAD has no body, and so no code.
  const bool about_region = errc == Errc::s3_region || (failure.status == 400 && failure.code.empty());
  return about_region && note_region(access, failure.region);
}

bool EndpointStates::note_region(const BucketAccess& access, const std::string& region) {
  if (!is_region(region)) return false;
  const std::lock_guard lock(mutex_);
  Bucket& bucket = bucket_of(access);
  if (region == (bucket.region.empty() ? access.region : bucket.region)) return false;
  bucket.region = region;
  log::warn(
      "the bucket lies in another region than configured; requests are signed for the bucket's region",
      {{"bucket", access.bucket},
       {"configured", access.region},
       {"region", region},
       {"hint", with_all_options("correct it with `vodlift bucket add --region`, which saves a request after each "
                                 "start")}});
  return true;
}

bool EndpointStates::note_time(const BucketAccess& access, std::string_view date, WallTime now) {
  const auto there = net::parse_http_date(date, now);
  if (!there) return false;
  const auto offset = std::chrono::round<seconds>(*there - now);
  const std::lock_guard lock(mutex_);
  Endpoint& endpoint = endpoint_of(access);
  if (std::chrono::abs(offset - endpoint.clock_offset) < kTimeTolerance) return false;
  endpoint.clock_offset = offset;
  log::warn("the store refuses this machine's time; requests to it are signed with the store's time",
            {{"endpoint", access.endpoint},
             {"store_is_ahead_s", offset.count()},
             {"hint", "set this machine's clock right (NTP)"}});
  return true;
}

Result<> EndpointStates::enter(const BucketAccess& access, Go go) {
  {
    const std::lock_guard lock(mutex_);
    Endpoint& endpoint = endpoint_of(access);
    if (endpoint.pause > milliseconds(0) && !open_) {
      if (endpoint.probing || steady_() < endpoint.next_probe) {
        return Error{
            Errc::s3_unavailable,
            fmt::format("{} has not answered for {} requests in a row; it is tried again every {} s at most",
                        access.endpoint, endpoint.failures, std::chrono::ceil<seconds>(endpoint.pause).count())};
      }
      endpoint.probing = true;
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

bool EndpointStates::leave(const BucketAccess& access, Outcome outcome) {
  std::vector<Go> next;
  bool may_retry = false;
  {
    const std::lock_guard lock(mutex_);
    Endpoint& endpoint = endpoint_of(access);
    count(endpoint, access, outcome);
    may_retry = endpoint.pause == milliseconds(0) && endpoint.retry_tokens > 0;
    Bucket& bucket = bucket_of(access);
    adapt(bucket, outcome);
    --bucket.running;
    while (!bucket.waiting.empty() && bucket.running < static_cast<int>(bucket.limit)) {
      next.push_back(std::move(bucket.waiting.front()));
      bucket.waiting.pop_front();
      ++bucket.running;
    }
  }
  for (const Go& go : next) go();
  return may_retry;
}

void EndpointStates::count(Endpoint& endpoint, const BucketAccess& access, Outcome outcome) {
  if (outcome == Outcome::not_sent) {
    endpoint.probing = false;  // the next request may try instead
    return;
  }
  if (outcome == Outcome::answered) {
    if (endpoint.pause > milliseconds(0)) log::info("endpoint answers again", {{"endpoint", access.endpoint}});
    endpoint.retry_tokens = std::min(limits_.max_retry_tokens, endpoint.retry_tokens + 1);
  } else {
    endpoint.retry_tokens = std::max(0, endpoint.retry_tokens - 1);
  }
  if (outcome == Outcome::failed) {
    ++endpoint.failures;
    pause(endpoint, access);
    return;
  }
  // A store that says to slow down is not down.
  endpoint.failures = 0;
  endpoint.pause = milliseconds(0);
  endpoint.probing = false;
}

void EndpointStates::pause(Endpoint& endpoint, const BucketAccess& access) const {
  if (endpoint.failures < limits_.failures_to_pause) return;
  const bool was_down = endpoint.pause > milliseconds(0);
  if (was_down && !endpoint.probing) return;  // the request began before the endpoint counted as down
  endpoint.pause = was_down ? std::min(limits_.longest_pause, endpoint.pause * 2) : limits_.first_pause;
  endpoint.probing = false;
  // Many nodes that lost the same endpoint should not all come back at the same moment.
  const auto jitter =
      std::chrono::round<milliseconds>(std::chrono::duration<double, std::milli>(endpoint.pause) * random_unit() / 4);
  endpoint.next_probe = steady_() + endpoint.pause - jitter;
  if (was_down) return;
  log::warn("endpoint is down; uploads to it wait, others continue",
            {{"endpoint", access.endpoint}, {"failures_in_a_row", endpoint.failures}});
}

// Additive increase, multiplicative decrease: about one request more after each round of requests that all succeeded.
void EndpointStates::adapt(Bucket& bucket, Outcome outcome) const {
  if (outcome == Outcome::answered) {
    bucket.limit = std::min<double>(limits_.max_running, bucket.limit + 1 / bucket.limit);
  } else if (outcome == Outcome::throttled && (!bucket.halved || steady_() >= *bucket.halved + kThrottleOnce)) {
    bucket.limit = std::max(1.0, std::min<double>(bucket.limit, bucket.running) / 2);
    bucket.halved = steady_();
  }
}

void EndpointStates::open_all() {
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

void EndpointStates::add_measurement(const BucketAccess& access, std::int64_t bytes, std::chrono::nanoseconds took) {
  if (bytes < kMinMeasuredBytes || took.count() <= 0) return;
  const auto now = steady_();
  const std::lock_guard lock(mutex_);
  Bucket& bucket = bucket_of(access);
  if (now - bucket.measured > kRateLifetime) bucket.average_bytes = bucket.average_seconds = 0;
  bucket.average_bytes = bucket.average_bytes * kKeptWeight + static_cast<double>(bytes);
  bucket.average_seconds = bucket.average_seconds * kKeptWeight + std::chrono::duration<double>(took).count();
  bucket.measured = now;
}

std::optional<std::int64_t> EndpointStates::rate(const BucketAccess& access) const {
  const auto now = steady_();
  const std::lock_guard lock(mutex_);
  const Bucket* bucket = find_bucket(access);
  if (bucket == nullptr || bucket->average_seconds <= 0 || now - bucket->measured > kRateLifetime) return std::nullopt;
  return static_cast<std::int64_t>(bucket->average_bytes / bucket->average_seconds);
}

}  // namespace vodlift::s3
