#include "s3/endpoint_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "net/http_date.h"
#include "s3/s3_errors.h"
#include "s3/s3_request.h"

namespace vodlift::s3 {
namespace {

using std::chrono::seconds;

constexpr std::size_t kMaxRegionBytes = 32;
// Dates are in whole seconds and travel. Stores refuse requests that are 15 minutes off.
constexpr seconds kTimeTolerance{60};

std::string_view word_of(const std::optional<bool>& fact, std::string_view yes, std::string_view no) {
  return !fact ? "unknown" : *fact ? yes : no;
}

Refusal refusal_by(const CircuitBreaker& breaker, Errc code, std::string_view what, SteadyTime now) {
  return {{code, fmt::format("{}; it is tried again every {} s at most", what,
                             std::chrono::ceil<seconds>(breaker.pause()).count())},
          breaker.again_in(now)};
}

std::string about_endpoint(const BucketAccess& access, const CircuitBreaker& down) {
  return fmt::format("{} has not answered, or only with errors, for {} requests in a row", access.endpoint,
                     down.failures());
}
std::string about_bucket(const BucketAccess& access, const CircuitBreaker& down) {
  return fmt::format("bucket {} at {} has not answered, or only with errors, for {} requests in a row", access.bucket,
                     access.endpoint, down.failures());
}
std::string about_key(const BucketAccess& access) {
  return fmt::format("the S3 key of bucket {} is refused by the store, or cannot be had", access.bucket);
}
constexpr const char* kKeyHint = "see `vodlift bucket check`";

// `code`: of is_refusal_of_bucket().
std::string about_refusal(const BucketAccess& access, Errc code) {
  switch (code) {
    case Errc::s3_no_such_bucket:
      return fmt::format("bucket {} does not exist at {}", access.bucket, access.endpoint);
    case Errc::s3_full:
      return fmt::format("bucket {} at {} has no room", access.bucket, access.endpoint);
    default:
      return fmt::format("bucket {} refuses its key: access denied; see `vodlift bucket check`", access.bucket);
  }
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

EndpointStates::EndpointStates(EndpointLimits limits, SteadyClock steady)
    : limits_(limits), steady_(std::move(steady)), public_read_(steady_) {}

EndpointStates::Endpoint& EndpointStates::endpoint_of(const BucketAccess& access) {
  return find_or_make(endpoints_, limits_.max_entries, access.endpoint).first;
}

BucketState& EndpointStates::bucket_of(const BucketAccess& access) {
  const auto [bucket, made] = find_or_make(buckets_, limits_.max_entries, bucket_key(access));
  if (made) {
    bucket.limit = limits_.max_running;
    bucket.retry_tokens = limits_.max_retry_tokens;
  }
  return bucket;
}

const EndpointStates::Endpoint* EndpointStates::find_endpoint(const BucketAccess& access) const {
  const auto at = endpoints_.find(access.endpoint);
  return at == endpoints_.end() ? nullptr : &at->second;
}

const BucketState* EndpointStates::find_bucket(const BucketAccess& access) const {
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
  now.drops_marks |= seen.drops_marks;
  if (now == before) return;
  log::info("how the store confirms bytes", {{"endpoint", access.endpoint},
                                             {"objects", to_string(now.whole)},
                                             {"multipart_uploads", to_string(now.multipart)},
                                             {"wrong_md5", word_of(now.refuses_wrong_md5, "refused", "ignored")},
                                             {"trailing_checksums", word_of(now.trailing, "taken", "not taken")},
                                             {"checksum_on_head", word_of(now.on_head, "reported", "refused")}});
}

EndpointStates::Trial EndpointStates::begin_trailing_trial(const BucketAccess& access) {
  const std::lock_guard lock(mutex_);
  Endpoint& endpoint = endpoint_of(access);
  if (endpoint.facts.trailing || !endpoint.trial.expired()) return nullptr;
  const auto trial = std::make_shared<char>();
  endpoint.trial = trial;
  return trial;
}

void EndpointStates::doubt_trailing(const BucketAccess& access) {
  const std::lock_guard lock(mutex_);
  endpoint_of(access).facts.trailing.reset();
}

BucketAccess EndpointStates::located(const BucketAccess& access) const {
  const std::lock_guard lock(mutex_);
  const BucketState* bucket = find_bucket(access);
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
  BucketState& bucket = bucket_of(access);
  if (region == (bucket.region.empty() ? access.region : bucket.region)) return false;
  bucket.region = region;
  log::warn("the bucket lies in another region than configured; requests are signed for the bucket's region",
            {{"bucket", access.bucket},
             {"configured", access.region},
             {"region", region},
             {"hint", "correct it with `vodlift bucket set --region`, which saves a request after each start"}});
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

// Every breaker is asked, so that each knows who waits.
std::optional<Refusal> EndpointStates::refused(const ObjectTarget& target, Endpoint& endpoint, BucketState& bucket) {
  if (open_) return std::nullopt;
  const BucketAccess& access = target.access;
  bucket.know(access.version);
  const auto now = steady_();
  const std::size_t object = number_of(target.key);
  const bool by_endpoint = !endpoint.down.admits(number_of(access.cdn), now);
  const bool by_bucket = !bucket.down.admits(object, now);
  const bool by_key = !bucket.key.admits(object, now);
  if (by_key) {
    Refusal refused = refusal_by(bucket.key, Errc::s3_credential, about_key(access), now);
    refused.error.detail = kKeyHint;
    return refused;
  }
  if (by_bucket) return refusal_by(bucket.down, Errc::s3_unavailable, about_bucket(access, bucket.down), now);
  if (by_endpoint) return refusal_by(endpoint.down, Errc::s3_unavailable, about_endpoint(access, endpoint.down), now);
  return std::nullopt;
}

std::optional<Refusal> EndpointStates::refusal(const ObjectTarget& target) {
  const std::lock_guard lock(mutex_);
  Endpoint& endpoint = endpoint_of(target.access);
  return refused(target, endpoint, bucket_of(target.access));
}

std::optional<BucketTrouble> EndpointStates::trouble(const BucketAccess& access) const {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = steady_();
  const auto trouble = [&](Errc code, SteadyTime since, std::string reason, bool whole_endpoint = false) {
    return BucketTrouble{access.cdn,
                         access.bucket,
                         access.endpoint,
                         code,
                         std::move(reason),
                         whole_endpoint,
                         std::chrono::floor<seconds>(now - since)};
  };
  const BucketState* bucket = find_bucket(access);
  // What is known against other settings says nothing of these.
  if (bucket != nullptr && bucket->version != access.version) bucket = nullptr;
  if (bucket != nullptr && bucket->key.is_open()) {
    return trouble(Errc::s3_credential, bucket->key.opened(), fmt::format("{}: {}", about_key(access), kKeyHint));
  }
  if (bucket != nullptr && bucket->down.is_open()) {
    return trouble(Errc::s3_unavailable, bucket->down.opened(), about_bucket(access, bucket->down));
  }
  const Endpoint* endpoint = find_endpoint(access);
  if (endpoint != nullptr && endpoint->down.is_open()) {
    return trouble(Errc::s3_unavailable, endpoint->down.opened(), about_endpoint(access, endpoint->down), true);
  }
  if (bucket == nullptr || !bucket->refuses) return std::nullopt;
  return trouble(bucket->refuses->code, bucket->refuses->since, about_refusal(access, bucket->refuses->code));
}

bool EndpointStates::all_is_well() const {
  return std::ranges::none_of(endpoints_, [](const auto& one) { return one.second.down.is_open(); }) &&
         std::ranges::none_of(buckets_, [](const auto& one) { return one.second.is_in_trouble(); });
}

StoreTroubles EndpointStates::troubles(std::span<const std::shared_ptr<const BucketAccess>> buckets) const {
  StoreTroubles found;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [url, endpoint] : endpoints_) {
      if (std::chrono::abs(endpoint.clock_offset) <= std::chrono::abs(found.clock_offset)) continue;
      found.clock_offset = endpoint.clock_offset;
      found.clock_endpoint = url;
    }
    if (all_is_well()) return found;
  }
  // One after the other: requests wait for the lock.
  for (const auto& bucket : buckets) {
    if (auto one = trouble(*bucket)) found.buckets.push_back(std::move(*one));
  }
  return found;
}

std::map<std::string, std::chrono::seconds> EndpointStates::clock_offsets() const {
  std::map<std::string, std::chrono::seconds> offsets;
  const std::lock_guard lock(mutex_);
  for (const auto& [url, endpoint] : endpoints_) {
    if (offsets.size() < kMostClocks) offsets.emplace(url, endpoint.clock_offset);
  }
  return offsets;
}

void EndpointStates::note_works(const BucketAccess& access) {
  const std::lock_guard lock(mutex_);
  const auto at = buckets_.find(bucket_key(access));
  if (at != buckets_.end()) at->second.refuses.reset();
}

Result<> EndpointStates::enter(const ObjectTarget& target, Go go) {
  {
    const std::lock_guard lock(mutex_);
    Endpoint& endpoint = endpoint_of(target.access);
    BucketState& bucket = bucket_of(target.access);
    if (auto refusal = refused(target, endpoint, bucket)) return std::move(refusal->error);
    const bool has_room = open_ || bucket.running < static_cast<int>(bucket.limit);
    try {
      begin(target, endpoint, bucket);
      if (!has_room) {
        bucket.waiting.push_back(std::move(go));
        return {};
      }
    } catch (const std::bad_alloc&) {
      say_nothing(target, endpoint, bucket);
      throw;
    }
    ++bucket.running;
  }
  go();
  return {};
}

void EndpointStates::begin(const ObjectTarget& target, Endpoint& endpoint, BucketState& bucket) {
  const std::size_t object = number_of(target.key);
  endpoint.down.begin(number_of(target.access.cdn));
  bucket.down.begin(object);
  bucket.key.begin(object);
}

// The request says nothing of its store.
void EndpointStates::say_nothing(const ObjectTarget& target, Endpoint& endpoint, BucketState& bucket) {
  const std::size_t object = number_of(target.key);
  endpoint.down.said_nothing(number_of(target.access.cdn));
  bucket.down.said_nothing(object);
  bucket.key.said_nothing(object);
}

bool EndpointStates::leave(const ObjectTarget& target, Outcome outcome, std::optional<Errc> refusal) {
  std::list<Go> next;
  bool may_retry = false;
  {
    const std::lock_guard lock(mutex_);
    Endpoint& endpoint = endpoint_of(target.access);
    BucketState& bucket = bucket_of(target.access);
    try {
      count_for_endpoint(endpoint, target, outcome);
      // A request that began before the settings changed says nothing of the new ones.
      if (bucket.version == target.access.version) {
        bucket.count(target, outcome, limits_, steady_());
        bucket.count_for_key(target, outcome, limits_, steady_());
        bucket.note_refusal(outcome, refusal, steady_());
      }
    } catch (const std::bad_alloc&) {
      say_nothing(target, endpoint, bucket);
    }
    may_retry = !endpoint.down.is_open() && !bucket.down.is_open() && bucket.retry_tokens > 0;
    bucket.adapt(outcome, limits_, steady_());
    --bucket.running;
    while (!bucket.waiting.empty() && bucket.running < static_cast<int>(bucket.limit)) {
      next.splice(next.end(), bucket.waiting, bucket.waiting.begin());
      ++bucket.running;
    }
  }
  for (const Go& go : next) go();
  return may_retry;
}

// A store that refuses or says to slow down is not down.
void EndpointStates::count_for_endpoint(Endpoint& endpoint, const ObjectTarget& target, Outcome outcome) {
  const BucketAccess& access = target.access;
  const std::size_t account = number_of(access.cdn);
  if (outcome == Outcome::not_sent || outcome == Outcome::no_credentials) return endpoint.down.said_nothing(account);
  if (outcome != Outcome::failed && outcome != Outcome::no_answer) {
    if (endpoint.down.succeeded()) log::info("endpoint answers again", {{"endpoint", access.endpoint}});
    return;
  }
  const bool of_all = outcome == Outcome::no_answer && shares_host(access);
  const bool opened = endpoint.down.failed(number_of(bucket_key(access)), account,
                                           of_all ? Evidence::of_all : Evidence::of_one, limits_.down, steady_());
  if (!opened) return;
  log::warn("endpoint is down; uploads to it wait, others continue",
            {{"endpoint", access.endpoint}, {"failures_in_a_row", endpoint.down.failures()}});
}

void EndpointStates::open_all() {
  std::list<Go> next;
  {
    const std::lock_guard lock(mutex_);
    open_ = true;
    for (auto& [key, bucket] : buckets_) {
      bucket.running += static_cast<int>(bucket.waiting.size());
      next.splice(next.end(), bucket.waiting);
    }
  }
  for (const Go& go : next) go();
}

void EndpointStates::add_measurement(const BucketAccess& access, std::int64_t bytes, std::chrono::nanoseconds took) {
  if (bytes < kMinMeasuredBytes || took.count() <= 0) return;
  const std::lock_guard lock(mutex_);
  bucket_of(access).measure(bytes, took, steady_());
}

void EndpointStates::note_too_large(const BucketAccess& access, std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  bucket_of(access).note_too_large(access, bytes);
}

bool EndpointStates::begin_telling_of_names(const BucketAccess& access) {
  const std::lock_guard lock(mutex_);
  return !std::exchange(bucket_of(access).names_told, true);
}

std::int64_t EndpointStates::largest_body(const BucketAccess& access) const {
  const std::lock_guard lock(mutex_);
  const BucketState* bucket = find_bucket(access);
  return bucket == nullptr ? kMaxPartBytes : bucket->largest_body;
}

std::optional<std::int64_t> EndpointStates::rate(const BucketAccess& access) const {
  const std::lock_guard lock(mutex_);
  const BucketState* bucket = find_bucket(access);
  return bucket == nullptr ? std::nullopt : bucket->rate(steady_());
}

}  // namespace vodlift::s3
