// Port: what went on over time, in rings of slots.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "core/upload.h"

namespace vodlift {

// How long a slot is. Slots begin at whole minutes, hours and days of UTC.
enum class Resolution { minute, hour, day };
inline constexpr Words<Resolution> kResolutions = {
    {Resolution::minute, "minute"},
    {Resolution::hour, "hour"},
    {Resolution::day, "day"},
};

struct Ring {
  std::chrono::seconds slot{0};
  int slots = 0;  // so many are kept; older ones are removed
};
// Minutes of two hours, hours of eight days, days of two years.
inline constexpr std::array<Ring, Words<Resolution>::kCount> kRings = {{
    {std::chrono::minutes(1), 120},
    {std::chrono::hours(1), 192},
    {std::chrono::hours(24), 731},
}};
inline constexpr const Ring& ring_of(Resolution resolution) { return kRings[static_cast<std::size_t>(resolution)]; }

// Whose statistics, where it is not an account's.
inline constexpr AccountId kAllAccounts = 0;
inline constexpr AccountId kOtherAccounts = -1;  // those that have no rings of their own
// So many accounts have rings of their own. Where they are too many, one that has been idle for kIdleRing makes room
// for one that is not, and its rings are removed; until there is one, what the others do is counted together.
inline constexpr int kMostRings = 1000;
inline constexpr std::chrono::hours kIdleRing{24};

// Attempts that ended with one error.
struct ErrorSums {
  std::int64_t failed = 0;   // uploads that failed by it
  std::int64_t retried = 0;  // attempts after which the upload is tried again, or waits

  bool operator==(const ErrorSums&) const = default;
};

// What was done for one bucket of an account.
struct BucketWork {
  std::int64_t bytes_sent = 0;
  std::int64_t completed = 0;
  std::int64_t failed = 0;

  BucketWork& operator+=(const BucketWork& more);
  bool operator==(const BucketWork&) const = default;
};

// What a node collects about one account.
struct CollectedSums {
  std::int64_t bytes_sent = 0;
  std::map<Errc, ErrorSums> errors{};
  std::map<std::string, BucketWork, std::less<>> buckets{};
};
using Collected = std::map<AccountId, CollectedSums>;

struct StatisticsSlot {
  WallTime begins;
  std::int64_t bytes_sent = 0;  // bytes that stores confirmed, in parts or whole objects
  std::int64_t completed = 0;   // uploads that ended
  std::int64_t failed = 0;
  std::int64_t cancelled = 0;
  std::int64_t most_queued = 0;          // uploads that were queued, at most; of kOtherAccounts: of one of them
  std::chrono::seconds longest_wait{0};  // of the oldest of these since it was created, at most
  std::map<Errc, ErrorSums> errors{};

  bool operator==(const StatisticsSlot&) const = default;
};

struct SeriesQuery {
  AccountId account = kAllAccounts;
  Resolution resolution = Resolution::minute;
  WallTime since{};  // earlier than the ring begins: from there on
};

// What one account did in the hours that were asked for.
struct AccountSums {
  AccountId account = 0;  // may be kOtherAccounts
  std::int64_t bytes_sent = 0;
  std::int64_t completed = 0;
  std::int64_t failed = 0;
  std::int64_t cancelled = 0;

  bool operator==(const AccountSums&) const = default;
};
inline constexpr int kMostBusiest = 20;

// The same of one bucket. Buckets have hours only, those of a day and the hour that is not over.
struct BucketSums {
  AccountId account = 0;  // kOtherAccounts: buckets that are counted together, `bucket` is empty then
  std::string bucket;
  BucketWork work;

  bool operator==(const BucketSums&) const = default;
};
inline constexpr int kBucketHours = 25;
// So many buckets of all accounts have sums of their own in an hour. What is done for others is counted together.
inline constexpr int kMostBuckets = 1000;

// When the slot with this time begins. Pure.
WallTime slot_begin(Resolution resolution, WallTime time);

// The slots from `since` to `now` that a ring has, with nothing in them. Pure.
std::vector<StatisticsSlot> empty_slots(const SeriesQuery& query, WallTime now);
// The one of these that begins then; null: none. Pure.
StatisticsSlot* slot_at(std::vector<StatisticsSlot>& slots, Resolution resolution, WallTime begins);

// Any thread; calls block. Times are of the store's clock. Errors of all: store_failed.
class Statistics {
 public:
  Statistics() = default;
  Statistics(const Statistics&) = delete;
  Statistics& operator=(const Statistics&) = delete;
  virtual ~Statistics() = default;

  // Adds `collected` to the slots of now, with the uploads that have ended since the last call, by any node, and with
  // what is queued now. Several nodes may do so: each end is counted once. What was added is taken out of `collected`,
  // also if the rest fails.
  virtual Result<> add(Collected& collected) = 0;

  // One slot after the other, the last one is now's; an account without rings of its own has slots with nothing in
  // them.
  virtual Result<std::vector<StatisticsSlot>> series(const SeriesQuery& query) = 0;

  // The accounts that did anything in the hours from `since` on, those that sent most first; kMostBusiest at most.
  virtual Result<std::vector<AccountSums>> busiest(WallTime since) = 0;

  // The buckets for which anything was done in the hours from `since` on, of one account or of kAllAccounts, those that
  // were sent most first; kMostBusiest at most.
  virtual Result<std::vector<BucketSums>> busiest_buckets(AccountId account, WallTime since) = 0;
};

}  // namespace vodlift
