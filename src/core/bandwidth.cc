#include "core/bandwidth.h"

#include <algorithm>
#include <array>

namespace vodlift {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

// A chunk lasts a fiftieth of a second at its rate: smooth, and worth its system call.
constexpr std::int64_t kChunksPerSecond = 50;
constexpr std::int64_t kSmallestChunk = 4096;
constexpr std::int64_t kLargestChunk = std::int64_t{256} * 1024;
// Windows begin and end on a minute.
constexpr auto kLookAtTimetable = 1s;
// Who is late for his chunk, because threads and timers are, gets on as if he had been in time.
constexpr auto kMadeGood = 50ms;

}  // namespace

void Bandwidth::set(const std::vector<BandwidthLimit>& limits) {
  const std::lock_guard lock(mutex_);
  std::map<BandwidthScope, Line> lines;
  for (const BandwidthLimit& limit : limits) {
    Line& line = lines[limit.scope];
    line.limit = limit;
    if (auto zone = TimeZone::find(limit.time_zone)) line.zone = *zone;
    // What waits already goes at its time; what comes now goes behind it.
    if (const auto before = lines_.find(limit.scope); before != lines_.end()) line.free_from = before->second.free_from;
  }
  lines_ = std::move(lines);
  limited_ = !lines_.empty();
}

Bandwidth::Chunk Bandwidth::next(const BandwidthUse& use, std::size_t wanted) {
  if (!limited_) return {wanted, 0ns};
  const std::lock_guard lock(mutex_);
  const auto now = steady_();
  using Kind = BandwidthScope::Kind;
  std::array<Line*, 4> lines{};
  std::size_t count = 0;
  std::int64_t slowest = kMaxRate;
  for (const BandwidthScope& scope :
       {BandwidthScope{Kind::all, 0, ""}, BandwidthScope{Kind::storage, 0, use.storage},
        BandwidthScope{Kind::account, use.account, ""}, BandwidthScope{Kind::bucket, use.account, use.bucket}}) {
    const auto at = lines_.find(scope);
    if (at == lines_.end()) continue;
    look_at_timetable(at->second, now);
    if (!at->second.rate) continue;
    lines[count++] = &at->second;
    slowest = std::min(slowest, *at->second.rate);
  }
  if (count == 0) return {wanted, 0ns};
  const auto bytes = std::min<std::int64_t>(static_cast<std::int64_t>(wanted),
                                            std::clamp(slowest / kChunksPerSecond, kSmallestChunk, kLargestChunk));
  auto start = now;
  for (std::size_t i = 0; i < count; ++i) start = std::max(start, lines[i]->free_from);
  for (std::size_t i = 0; i < count; ++i) {
    const auto lasts = std::chrono::nanoseconds(bytes * 1'000'000'000 / *lines[i]->rate);
    lines[i]->free_from = std::max(now - kMadeGood, lines[i]->free_from) + lasts;
  }
  return {static_cast<std::size_t>(bytes), start - now};
}

void Bandwidth::look_at_timetable(Line& line, steady_clock::time_point now) const {
  if (line.limit.windows.empty()) {
    line.rate = line.limit.rate;
    return;
  }
  if (now < line.looked + kLookAtTimetable && line.looked != steady_clock::time_point{}) return;
  line.looked = now;
  line.rate = line.limit.rate_at(line.zone.at(clock_.now()));
}

}  // namespace vodlift
