#include "core/statistics_collector.h"

#include <utility>

namespace vodlift {

// The caller has the lock.
BucketWork& StatisticsCollector::work_for(AccountId account, std::string_view bucket) {
  auto& buckets = noted_[account].buckets;
  const auto known = buckets.find(bucket);
  return known != buckets.end() ? known->second : buckets.emplace(bucket, BucketWork()).first->second;
}

void StatisticsCollector::sent(AccountId account, std::string_view bucket, std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  noted_[account].bytes_sent += bytes;
  work_for(account, bucket).bytes_sent += bytes;
  const bool known = totals_.bytes_sent.contains(account) || totals_.bytes_sent.size() < kMostTotals;
  totals_.bytes_sent[known ? account : kOtherAccounts] += bytes;
  if (watched_) sent_[account] += bytes;
}

void StatisticsCollector::completed(AccountId account, std::string_view bucket) {
  const std::lock_guard lock(mutex_);
  ++work_for(account, bucket).completed;
}

void StatisticsCollector::failed(AccountId account, std::string_view bucket, Errc code, bool for_good) {
  const std::lock_guard lock(mutex_);
  if (for_good) ++work_for(account, bucket).failed;
  for (ErrorSums* sums : {&noted_[account].errors[code], &totals_.errors[code]}) {
    ++(for_good ? sums->failed : sums->retried);
  }
}

StatisticsCollector::Totals StatisticsCollector::totals() const {
  const std::lock_guard lock(mutex_);
  return totals_;
}

void StatisticsCollector::watch(bool wanted) {
  const std::lock_guard lock(mutex_);
  watched_ = wanted;
  sent_.clear();
}

std::map<AccountId, std::int64_t> StatisticsCollector::take_sent() {
  const std::lock_guard lock(mutex_);
  return std::exchange(sent_, {});
}

Result<> StatisticsCollector::flush() {
  Collected noted;
  {
    const std::lock_guard lock(mutex_);
    noted.swap(noted_);
  }
  auto added = statistics_.add(noted);
  const std::lock_guard lock(mutex_);
  for (auto& [account, sums] : noted) {
    CollectedSums& again = noted_[account];
    again.bytes_sent += sums.bytes_sent;
    for (const auto& [code, errors] : sums.errors) {
      again.errors[code].failed += errors.failed;
      again.errors[code].retried += errors.retried;
    }
    for (const auto& [bucket, work] : sums.buckets) again.buckets[bucket] += work;
  }
  return added;
}

}  // namespace vodlift
