#include "core/bandwidth_shares.h"

#include <algorithm>

namespace vodlift {

std::int64_t next_share(const BandwidthWish& own, const std::vector<HeldShare>& others) {
  std::vector<HeldShare> all(others);
  all.push_back({own.rate, own.senders, 0});
  const auto wants_less = [](const HeldShare& one, const HeldShare& other) {
    return one.wish / one.senders < other.wish / other.senders;
  };
  std::sort(all.begin(), all.end(), wants_less);
  std::int64_t senders = 0;
  std::int64_t held = 0;
  for (const HeldShare& one : all) {
    senders += one.senders;
    held += one.rate;
  }
  // Those who want least for a sender come first: what they leave is for the others.
  std::int64_t left = own.limit;
  std::int64_t each = 0;  // for a sender, of those who want more than there is
  for (const HeldShare& one : all) {
    each = left / senders;
    if (one.wish / one.senders >= each) break;
    left -= one.wish;
    senders -= one.senders;
  }
  std::int64_t fair = own.rate / own.senders < each ? own.rate : std::min(own.rate, left * own.senders / senders);
  if (own.uploads && fair < own.rate) {
    // One more, if the others can still have as much as this.
    std::int64_t owed = 0;
    for (const HeldShare& one : others) owed += std::max<std::int64_t>(std::min(one.wish, each) - one.rate, 0);
    if (own.limit - held - owed > fair) ++fair;
  }
  return std::clamp(own.limit - held, std::int64_t{0}, fair);
}

}  // namespace vodlift
