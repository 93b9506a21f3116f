#include "s3/bucket_state.h"

#include <algorithm>
#include <string>

#include "base/log.h"
#include "base/text.h"
#include "s3/s3_request.h"

namespace vodlift::s3 {
namespace {

// Requests that were running when the store said to slow down all report it: within this time that counts once.
constexpr std::chrono::milliseconds kThrottleOnce{1000};
constexpr double kKeptWeight = 7.0 / 8;  // of the measurements before the new one

}  // namespace

std::string bucket_key(const BucketAccess& access) {
  return joined({std::to_string(access.cdn), "\n", access.endpoint, "\n", access.region, "\n", access.bucket});
}

std::size_t number_of(std::string_view text) { return std::hash<std::string_view>()(text); }
std::size_t number_of(AccountId account) { return static_cast<std::size_t>(account); }

bool shares_host(const BucketAccess& access) { return !address_of(access).prefix.empty(); }

void BucketState::know(std::int64_t version_now) {
  if (version == version_now) return;
  version = version_now;
  down = {};
  key = {};
  refuses.reset();
  largest_body = kMaxPartBytes;
}

void BucketState::count(const ObjectTarget& target, Outcome outcome, const EndpointLimits& limits, SteadyTime now) {
  const BucketAccess& access = target.access;
  const std::size_t object = number_of(target.key);
  const bool is_failure = outcome == Outcome::failed || outcome == Outcome::no_answer;
  if (outcome == Outcome::not_sent || outcome == Outcome::no_credentials) return down.said_nothing(object);
  if (is_failure || outcome == Outcome::throttled) {
    retry_tokens = std::max(0, retry_tokens - 1);
  } else if (outcome != Outcome::looked) {
    retry_tokens = std::min(limits.max_retry_tokens, retry_tokens + 1);
  }
  if (!is_failure) {
    if (outcome == Outcome::looked ? down.looked(object) : down.succeeded()) {
      log::info("bucket answers again", {{"bucket", access.bucket}, {"endpoint", access.endpoint}});
    }
    return;
  }
  // A host that all buckets share counts for the endpoint alone.
  const bool no_answer = outcome == Outcome::no_answer;
  if (no_answer && shares_host(access)) return down.said_nothing(object);
  const bool opened = down.failed(object, object, no_answer ? Evidence::of_all : Evidence::of_one, limits.down, now);
  if (!opened) return;
  log::warn("bucket is down; uploads to it wait, others continue", {{"cdn", access.cdn},
                                                                    {"bucket", access.bucket},
                                                                    {"endpoint", access.endpoint},
                                                                    {"failures_in_a_row", down.failures()}});
}

void BucketState::count_for_key(const ObjectTarget& target, Outcome outcome, const EndpointLimits& limits,
                                SteadyTime now) {
  const BucketAccess& access = target.access;
  const std::size_t object = number_of(target.key);
  if (outcome == Outcome::answered || outcome == Outcome::looked) {
    if (key.succeeded()) {
      log::warn("the store takes the bucket's S3 key again; its uploads go on",
                {{"cdn", access.cdn}, {"bucket", access.bucket}});
    }
    return;
  }
  const bool refused = outcome == Outcome::key_refused || outcome == Outcome::signature_refused;
  if (!refused && outcome != Outcome::no_credentials) return key.said_nothing(object);
  const Evidence evidence = outcome == Outcome::signature_refused ? Evidence::of_one : Evidence::proof;
  if (!key.failed(object, object, evidence, limits.key, now)) return;
  log::warn("the bucket's S3 key is refused or cannot be had; its uploads wait until it is good",
            {{"cdn", access.cdn},
             {"bucket", access.bucket},
             {"endpoint", access.endpoint},
             {"access_key", access.access_key},
             {"hint", "make the key valid at the store, or give another with `vodlift bucket set`"}});
}

void BucketState::note_refusal(Outcome outcome, std::optional<Errc> code, SteadyTime now) {
  if (code && (!refuses || refuses->code != *code)) refuses = {*code, now};
  if (!code && outcome == Outcome::answered) refuses.reset();
}

// Additive increase, multiplicative decrease: about one request more after each round of requests that all succeeded.
void BucketState::adapt(Outcome outcome, const EndpointLimits& limits, SteadyTime now) {
  if (outcome == Outcome::answered || outcome == Outcome::looked || outcome == Outcome::denied) {
    limit = std::min<double>(limits.max_running, limit + 1 / limit);
  } else if (outcome == Outcome::throttled && (!halved || now >= *halved + kThrottleOnce)) {
    limit = std::max(1.0, std::min<double>(limit, running) / 2);
    halved = now;
  }
}

// Half of what was refused, as often as that helps. The parts that were under way together are refused together.
void BucketState::note_too_large(const BucketAccess& access, std::int64_t bytes) {
  const std::int64_t half = std::max(kMinPartBytes, bytes / 2);
  if (bytes <= kMinPartBytes || half >= largest_body) return;
  largest_body = half;
  log::warn("the store, or a proxy before it, takes no such large requests; smaller ones are sent from now on",
            {{"cdn", access.cdn},
             {"bucket", access.bucket},
             {"refused_bytes", bytes},
             {"bytes", half},
             {"hint",
              "raise the proxy's limit (nginx: client_max_body_size), or give `vodlift bucket set --part-size`, "
              "which saves refused requests after each start"}});
}

void BucketState::measure(std::int64_t bytes, std::chrono::nanoseconds took, SteadyTime now) {
  if (now - measured > kRateLifetime) average_bytes = average_seconds = 0;
  average_bytes = average_bytes * kKeptWeight + static_cast<double>(bytes);
  average_seconds = average_seconds * kKeptWeight + std::chrono::duration<double>(took).count();
  measured = now;
}

std::optional<std::int64_t> BucketState::rate(SteadyTime now) const {
  if (average_seconds <= 0 || now - measured > kRateLifetime) return std::nullopt;
  return static_cast<std::int64_t>(average_bytes / average_seconds);
}

}  // namespace vodlift::s3
