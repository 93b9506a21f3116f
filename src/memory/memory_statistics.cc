#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "memory/memory_queue.h"

namespace vodlift::memory {

using std::chrono::seconds;

namespace {

constexpr std::array kAllResolutions = {Resolution::minute, Resolution::hour, Resolution::day};

void add_to(StatisticsSlot& slot, const StatisticsSlot& more) {
  slot.bytes_sent += more.bytes_sent;
  slot.completed += more.completed;
  slot.failed += more.failed;
  slot.cancelled += more.cancelled;
  slot.most_queued = std::max(slot.most_queued, more.most_queued);
  slot.longest_wait = std::max(slot.longest_wait, more.longest_wait);
  for (const auto& [code, errors] : more.errors) {
    slot.errors[code].failed += errors.failed;
    slot.errors[code].retried += errors.retried;
  }
}

}  // namespace

Result<> MemoryStatistics::add(Collected& collected) {
  const std::lock_guard lock(database_.mutex_);
  const WallTime now = database_.clock_.now();
  std::map<AccountId, StatisticsSlot> sums;
  auto ends = database_.removed_ends_;
  StatisticsSlot all;
  for (const auto& [id, row] : database_.uploads_) {
    const Upload& upload = row.upload;
    if (is_end(upload.state)) ++ends[{upload.account, upload.state}];
    if (upload.state != UploadState::queued) continue;
    StatisticsSlot& one = sums[upload.account];
    ++one.most_queued;
    one.longest_wait = std::max(one.longest_wait, std::chrono::floor<seconds>(now - upload.created));
    ++all.most_queued;
    all.longest_wait = std::max(all.longest_wait, one.longest_wait);
  }
  for (const auto& [place, uploads] : ends) {
    const auto& [account, state] = place;
    const std::int64_t more = uploads - std::exchange(ends_[place], uploads);
    if (more == 0) continue;
    StatisticsSlot& one = sums[account];
    (state == UploadState::completed ? one.completed
     : state == UploadState::failed  ? one.failed
                                     : one.cancelled) += more;
  }
  put_buckets(collected, now);
  for (const auto& [account, one] : std::exchange(collected, {})) {
    sums[account].bytes_sent += one.bytes_sent;
    sums[account].errors = one.errors;
  }
  if (sums.empty()) return {};
  for (const auto& [account, one] : sums) {
    StatisticsSlot counters = one;
    counters.most_queued = 0;
    counters.longest_wait = seconds(0);
    add_to(all, counters);
    put(ring_for(account, now), one, now);
  }
  put(kAllAccounts, all, now);
  return {};
}

AccountId MemoryStatistics::ring_for(AccountId account, WallTime now) {
  if (!active_.contains(account) && std::ssize(active_) >= kMostRings) {
    const auto idle = std::min_element(active_.begin(), active_.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (now - idle->second < kIdleRing) return kOtherAccounts;
    std::erase_if(slots_, [&](const auto& one) { return std::get<0>(one.first) == idle->first; });
    active_.erase(idle);
  }
  active_[account] = now;
  return account;
}

void MemoryStatistics::put(AccountId account, const StatisticsSlot& sums, WallTime now) {
  for (const Resolution resolution : kAllResolutions) {
    const WallTime begins = slot_begin(resolution, now);
    add_to(slots_[{account, resolution, begins}], sums);
    const WallTime first = begins - ring_of(resolution).slot * (ring_of(resolution).slots - 1);
    slots_.erase(slots_.lower_bound({account, resolution, WallTime()}),
                 slots_.lower_bound({account, resolution, first}));
  }
}

void MemoryStatistics::put_buckets(const Collected& collected, WallTime now) {
  const WallTime begins = slot_begin(Resolution::hour, now);
  auto& hour = buckets_[begins];
  for (const auto& [account, sums] : collected) {
    for (const auto& [bucket, work] : sums.buckets) {
      const bool own = hour.contains({account, bucket}) || std::ssize(hour) < kMostBuckets;
      hour[own ? std::pair(account, bucket) : std::pair(kOtherAccounts, std::string())] += work;
    }
  }
  buckets_.erase(buckets_.begin(), buckets_.lower_bound(begins - std::chrono::hours(kBucketHours - 1)));
}

Result<std::vector<BucketSums>> MemoryStatistics::busiest_buckets(AccountId account, WallTime since) {
  const std::lock_guard lock(database_.mutex_);
  std::map<std::pair<AccountId, std::string>, BucketWork> all;
  for (auto hour = buckets_.lower_bound(slot_begin(Resolution::hour, since)); hour != buckets_.end(); ++hour) {
    for (const auto& [place, work] : hour->second) {
      if (account == kAllAccounts || account == place.first) all[place] += work;
    }
  }
  std::vector<BucketSums> sums;
  sums.reserve(all.size());
  for (const auto& [place, work] : all) sums.push_back({place.first, place.second, work});
  std::ranges::stable_sort(sums, std::ranges::greater(), [](const BucketSums& one) {
    return std::tuple(one.work.bytes_sent, one.work.completed, one.work.failed);
  });
  if (std::ssize(sums) > kMostBusiest) sums.resize(kMostBusiest);
  return sums;
}

Result<std::vector<StatisticsSlot>> MemoryStatistics::series(const SeriesQuery& query) {
  const std::lock_guard lock(database_.mutex_);
  auto slots = empty_slots(query, database_.clock_.now());
  for (StatisticsSlot& slot : slots) {
    const auto at = slots_.find({query.account, query.resolution, slot.begins});
    if (at != slots_.end()) add_to(slot, at->second);
  }
  return slots;
}

Result<std::vector<AccountSums>> MemoryStatistics::busiest(WallTime since) {
  const std::lock_guard lock(database_.mutex_);
  const WallTime first = slot_begin(Resolution::hour, since);
  std::map<AccountId, AccountSums> by_account;
  for (const auto& [key, slot] : slots_) {
    const auto& [account, resolution, begins] = key;
    if (account == kAllAccounts || resolution != Resolution::hour || begins < first) continue;
    AccountSums& one = by_account[account];
    one = {account, one.bytes_sent + slot.bytes_sent, one.completed + slot.completed, one.failed + slot.failed,
           one.cancelled + slot.cancelled};
  }
  std::vector<AccountSums> sums;
  for (const auto& [account, one] : by_account) {
    if (one != AccountSums{account}) sums.push_back(one);
  }
  std::ranges::stable_sort(sums, std::ranges::greater(),
                           [](const AccountSums& one) { return std::pair(one.bytes_sent, one.completed); });
  if (std::ssize(sums) > kMostBusiest) sums.resize(kMostBusiest);
  return sums;
}

}  // namespace vodlift::memory
