// What this process does, for the statistics: noted in memory at once, written later.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string_view>

#include "core/statistics.h"

namespace vodlift {

// A crash loses what was noted since the last flush(), 10 s at most: bytes, errors and the ends by bucket, but no end
// by account, for the store counts these itself. Internally locked; noting takes a short lock. Holds sums for each
// account that did something since then.
class StatisticsCollector {
 public:
  // `statistics` must outlive it.
  explicit StatisticsCollector(Statistics& statistics) : statistics_(statistics) {}

  // A store has confirmed bytes of an upload of this account to this bucket.
  void sent(AccountId account, std::string_view bucket, std::int64_t bytes);
  // An upload to this bucket has completed.
  void completed(AccountId account, std::string_view bucket);
  // An attempt ended with this error; `for_good`: the upload has failed by it.
  void failed(AccountId account, std::string_view bucket, Errc code, bool for_good);

  // Whether sent() adds up for take_sent() as well.
  void watch(bool wanted);
  // The bytes of each account since the last call, or since watch(true).
  std::map<AccountId, std::int64_t> take_sent();

  // Since the start of the process.
  struct Totals {
    std::map<AccountId, std::int64_t> bytes_sent{};  // kMostTotals accounts; others together as kOtherAccounts
    std::map<Errc, ErrorSums> errors{};
  };
  static constexpr std::size_t kMostTotals = 200;
  [[nodiscard]] Totals totals() const;

  // Writes what was noted. Blocks for the disk. What a failure kept from being written is written by the next flush.
  // Errors: store_failed.
  Result<> flush();

 private:
  BucketWork& work_for(AccountId account, std::string_view bucket);

  Statistics& statistics_;
  mutable std::mutex mutex_;  // guards the rest
  Collected noted_;
  Totals totals_;
  bool watched_ = false;
  std::map<AccountId, std::int64_t> sent_;
};

}  // namespace vodlift
