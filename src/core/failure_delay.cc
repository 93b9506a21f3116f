#include "core/failure_delay.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/random.h"

namespace vodlift {
namespace {

using std::chrono::nanoseconds;

std::int64_t ns_of(SteadyTime time) { return std::chrono::duration_cast<nanoseconds>(time.time_since_epoch()).count(); }

// The wait behind the try that makes so many.
nanoseconds wait_behind(int failures) {
  if (failures < FailureDelay::kFree) return nanoseconds::zero();
  const int doublings = std::min(failures - FailureDelay::kFree, 16);
  return std::min<nanoseconds>(FailureDelay::kFirstWait * (1 << doublings), FailureDelay::kLongestWait);
}

}  // namespace

FailureDelay::FailureDelay() : hash_key_(random_bytes(kShortHashKeyBytes)), entries_(kEntries) {}

FailureDelay::Entry* FailureDelay::find(std::uint64_t name) {
  Entry* const first = &entries_[name % (kEntries / kWays) * kWays];
  Entry* const found =
      std::find_if(first, first + kWays, [&](const Entry& entry) { return entry.failures > 0 && entry.who == name; });
  return found != first + kWays ? found : nullptr;
}

FailureDelay::Entry& FailureDelay::place_for(std::uint64_t name, std::int64_t now_ns) {
  const auto weight = [&](const Entry& entry) {
    const bool forgotten = now_ns - entry.last_ns >= nanoseconds(kForgottenAfter).count();
    return std::pair(forgotten ? 0 : entry.failures, entry.last_ns);
  };
  Entry* const first = &entries_[name % (kEntries / kWays) * kWays];
  return *std::min_element(first, first + kWays,
                           [&](const Entry& left, const Entry& right) { return weight(left) < weight(right); });
}

nanoseconds FailureDelay::begin(std::string_view who, SteadyTime now) {
  const std::uint64_t name = short_hash(hash_key_, who);
  const std::int64_t now_ns = ns_of(now);
  const std::lock_guard lock(mutex_);
  Entry* entry = find(name);
  if (entry != nullptr && now_ns < entry->next_ns) return nanoseconds(entry->next_ns - now_ns);
  if (entry == nullptr) {
    entry = &place_for(name, now_ns);
    *entry = Entry{name, now_ns, now_ns, 0};
  }
  if (now_ns - entry->last_ns >= nanoseconds(kForgottenAfter).count()) entry->failures = 0;
  entry->failures = std::min(entry->failures + 1, 1'000'000);
  entry->last_ns = now_ns;
  entry->next_ns = now_ns + wait_behind(entry->failures).count();
  return nanoseconds::zero();
}

void FailureDelay::succeeded(std::string_view who) {
  const std::lock_guard lock(mutex_);
  if (Entry* const entry = find(short_hash(hash_key_, who)); entry != nullptr) *entry = Entry{};
}

void FailureDelay::withdraw(std::string_view who) {
  const std::lock_guard lock(mutex_);
  Entry* const entry = find(short_hash(hash_key_, who));
  if (entry == nullptr) return;
  --entry->failures;
  entry->next_ns = entry->last_ns;
}

}  // namespace vodlift
