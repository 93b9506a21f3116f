#include "s3/learned.h"

#include <algorithm>
#include <array>

#include "base/log.h"
#include "net/http_date.h"

namespace vodlift::s3 {
namespace {

using std::chrono::seconds;

constexpr std::size_t kMaxRegionBytes = 32;
// Dates are whole seconds and travel; stores refuse requests that are 15 minutes off.
constexpr seconds kSameTime{60};

bool is_region(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRegionBytes &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

std::string_view word_of(const std::optional<bool>& answer, std::string_view yes, std::string_view no) {
  return !answer ? "unknown" : *answer ? yes : no;
}

std::string bucket_key(const BucketAccess& access) {
  return access.endpoint + '\n' + access.region + '\n' + access.bucket;
}

template <class Value>
void remember(std::map<std::string, Value>& values, const std::string& key, Value value) {
  if (values.size() >= kMaxLearned && !values.contains(key)) values.clear();
  values[key] = std::move(value);
}

}  // namespace

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

Checksums Learned::checksums(const BucketAccess& access) const {
  const std::lock_guard lock(mutex_);
  const auto at = checksums_.find(access.endpoint);
  return at == checksums_.end() ? Checksums{} : at->second;
}

void Learned::learn_checksums(const BucketAccess& access, const Checksums& seen) {
  const std::lock_guard lock(mutex_);
  const auto at = checksums_.find(access.endpoint);
  Checksums now;
  if (at != checksums_.end()) now = at->second;
  const Checksums known = now;
  if (seen.whole != ChecksumMode::unknown) now.whole = seen.whole;
  if (seen.multipart != ChecksumMode::unknown) now.multipart = seen.multipart;
  if (seen.refuses_wrong_md5) now.refuses_wrong_md5 = seen.refuses_wrong_md5;
  if (seen.trailing) now.trailing = seen.trailing;
  if (seen.on_head) now.on_head = seen.on_head;
  if (now == known) return;
  remember(checksums_, access.endpoint, now);
  log::info("how the store confirms bytes", {{"endpoint", access.endpoint},
                                             {"objects", to_string(now.whole)},
                                             {"multipart_uploads", to_string(now.multipart)},
                                             {"wrong_md5", word_of(now.refuses_wrong_md5, "refused", "ignored")},
                                             {"trailing_checksums", word_of(now.trailing, "taken", "not taken")},
                                             {"checksum_on_head", word_of(now.on_head, "told", "refused")}});
}

bool Learned::begin_trailing_trial(const BucketAccess& access) {
  const std::lock_guard lock(mutex_);
  const auto at = checksums_.find(access.endpoint);
  const bool known = at != checksums_.end() && at->second.trailing;
  return !known && trailing_trials_.insert(access.endpoint).second;
}

void Learned::end_trailing_trial(const BucketAccess& access, std::optional<bool> takes_them) {
  learn_checksums(access, {.trailing = takes_them});
  const std::lock_guard lock(mutex_);
  trailing_trials_.erase(access.endpoint);
}

BucketAccess Learned::located(const BucketAccess& access) const {
  const std::lock_guard lock(mutex_);
  const auto at = regions_.find(bucket_key(access));
  return at == regions_.end() ? access : in_region(access, at->second);
}

WallTime Learned::time_at(const BucketAccess& configured, WallTime now) const {
  const std::lock_guard lock(mutex_);
  const auto at = clock_offsets_.find(configured.endpoint);
  return at == clock_offsets_.end() ? now : now + at->second;
}

bool Learned::learn_from(const BucketAccess& configured, const Failure& failure, std::string_view date, WallTime now) {
  const Errc errc = classify(failure.status, failure.code);
  if (errc == Errc::s3_clock_skew) return learn_time(configured, date, now);
  // An answer to HEAD has no body, and so no code.
  const bool about_region = errc == Errc::s3_region || (failure.status == 400 && failure.code.empty());
  return about_region && learn_region(configured, failure.region);
}

bool Learned::learn_region(const BucketAccess& configured, const std::string& region) {
  if (!is_region(region)) return false;
  const std::lock_guard lock(mutex_);
  const std::string key = bucket_key(configured);
  const auto at = regions_.find(key);
  if (region == (at == regions_.end() ? configured.region : at->second)) return false;
  remember(regions_, key, region);
  log::warn("the bucket lies in another region than configured; requests are signed for that one",
            {{"bucket", configured.bucket},
             {"configured", configured.region},
             {"region", region},
             {"hint", "correct it with `vodlift bucket add --region`, which saves a request after each start"}});
  return true;
}

bool Learned::learn_time(const BucketAccess& configured, std::string_view date, WallTime now) {
  const auto there = net::parse_http_date(date, now);
  if (!there) return false;
  const auto offset = std::chrono::round<seconds>(*there - now);
  const std::lock_guard lock(mutex_);
  const auto at = clock_offsets_.find(configured.endpoint);
  const seconds known = at == clock_offsets_.end() ? seconds(0) : at->second;
  if (std::chrono::abs(offset - known) < kSameTime) return false;
  remember(clock_offsets_, configured.endpoint, offset);
  log::warn("the store refuses this machine's time; requests to it are signed with the store's",
            {{"endpoint", configured.endpoint},
             {"store_is_ahead_s", offset.count()},
             {"hint", "set this machine's clock right (NTP)"}});
  return true;
}

}  // namespace vodlift::s3
