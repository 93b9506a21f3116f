// What this process does, for the statistics: noted in memory at once, written later.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "core/statistics.h"

namespace vodlift {

// A crash loses what was noted since the last flush(), 10 s at most: bytes and errors, but no end of an upload, for the
// store counts these itself. Internally locked; noting takes a short lock. Holds sums for each account that did
// something since then.
class StatisticsCollector {
 public:
  // `statistics` must outlive it.
  explicit StatisticsCollector(Statistics& statistics) : statistics_(statistics) {}

  // A store has confirmed bytes of an upload of this account.
  void sent(AccountId account, std::int64_t bytes);
  // An attempt ended with this error; `for_good`: the upload has failed by it.
  void failed(AccountId account, Errc code, bool for_good);

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
  Statistics& statistics_;
  mutable std::mutex mutex_;  // guards the rest
  Collected noted_;
  Totals totals_;
  bool watched_ = false;
  std::map<AccountId, std::int64_t> sent_;
};

}  // namespace vodlift
