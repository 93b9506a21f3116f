#include "core/statistics.h"

#include <algorithm>

namespace vodlift {

BucketWork& BucketWork::operator+=(const BucketWork& more) {
  bytes_sent += more.bytes_sent;
  completed += more.completed;
  failed += more.failed;
  return *this;
}

WallTime slot_begin(Resolution resolution, WallTime time) {
  const std::chrono::milliseconds since_epoch = time.time_since_epoch();
  const std::chrono::milliseconds slot = ring_of(resolution).slot;
  const auto slots = since_epoch / slot - (since_epoch % slot < std::chrono::milliseconds(0) ? 1 : 0);
  return WallTime(slots * slot);
}

std::vector<StatisticsSlot> empty_slots(const SeriesQuery& query, WallTime now) {
  const Ring& ring = ring_of(query.resolution);
  const WallTime last = slot_begin(query.resolution, now);
  const WallTime first = std::max(slot_begin(query.resolution, query.since), last - ring.slot * (ring.slots - 1));
  std::vector<StatisticsSlot> slots;
  for (WallTime begins = first; begins <= last; begins += ring.slot) slots.emplace_back().begins = begins;
  return slots;
}

StatisticsSlot* slot_at(std::vector<StatisticsSlot>& slots, Resolution resolution, WallTime begins) {
  if (slots.empty() || begins < slots.front().begins || begins > slots.back().begins) return nullptr;
  const auto at = static_cast<std::size_t>((begins - slots.front().begins) / ring_of(resolution).slot);
  return &slots[at];
}

}  // namespace vodlift
