#include "core/bandwidth.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/encoding.h"

namespace vodlift {
namespace {

using namespace std::chrono_literals;

// At its rate, a chunk lasts a fiftieth of a second: short enough to be smooth, long enough to be worth a system call.
constexpr std::int64_t kChunksPerSecond = 50;
constexpr std::int64_t kSmallestChunk = 4096;
constexpr std::int64_t kLargestChunk = std::int64_t{256} * 1024;
// Windows begin and end on a minute.
constexpr auto kReadTimetableAfter = 1s;
// A sender that comes this late for its chunk, because threads and timers are late, loses nothing.
constexpr auto kToleratedDelay = 50ms;

}  // namespace

void Bandwidth::set(const std::vector<BandwidthLimit>& limits) {
  const std::lock_guard lock(mutex_);
  std::map<BandwidthScope, Line> lines;
  for (const BandwidthLimit& limit : limits) {
    Line& line = lines[limit.scope];
    line.limit = limit;
    if (auto zone = TimeZone::find(limit.time_zone)) line.zone = *zone;
    // Chunks that wait already keep their time; new ones come after them.
    if (const auto before = lines_.find(limit.scope); before != lines_.end()) line.free_from = before->second.free_from;
  }
  lines_ = std::move(lines);
  limited_ = !lines_.empty();
}

Bandwidth::Chunk Bandwidth::next(const BandwidthUse& use, std::size_t wanted) {
  if (!limited_) return {wanted, 0ns};
  const std::lock_guard lock(mutex_);
  const auto now = steady_();
  const Lines lines = lines_of(use, now);
  const ByteRate slowest = slowest_of(lines);
  if (!slowest) return {wanted, 0ns};
  const auto bytes = std::min<std::int64_t>(static_cast<std::int64_t>(wanted),
                                            std::clamp(*slowest / kChunksPerSecond, kSmallestChunk, kLargestChunk));
  auto start = now;
  for (Line* line : lines) {
    if (line != nullptr) start = std::max(start, line->free_from);
  }
  for (Line* line : lines) {
    if (line == nullptr) continue;
    const auto lasts = std::chrono::nanoseconds(bytes * 1'000'000'000 / *line->rate);
    line->free_from = std::max(now - kToleratedDelay, line->free_from) + lasts;
  }
  return {static_cast<std::size_t>(bytes), start - now};
}

ByteRate Bandwidth::limit(const BandwidthUse& use) {
  if (!limited_) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return slowest_of(lines_of(use, steady_()));
}

Bandwidth::Lines Bandwidth::lines_of(const BandwidthUse& use, SteadyTime now) {
  using Kind = BandwidthScope::Kind;
  Lines lines{};
  std::size_t count = 0;
  for (const BandwidthScope& scope :
       {BandwidthScope{Kind::all, 0, ""}, BandwidthScope{Kind::storage, 0, use.storage},
        BandwidthScope{Kind::account, use.account, ""}, BandwidthScope{Kind::bucket, use.account, use.bucket}}) {
    const auto at = lines_.find(scope);
    if (at == lines_.end()) continue;
    read_timetable(at->second, now);
    if (at->second.rate) lines[count++] = &at->second;
  }
  return lines;
}

ByteRate Bandwidth::slowest_of(const Lines& lines) {
  ByteRate slowest;
  for (const Line* line : lines) {
    if (line != nullptr) slowest = std::min(slowest.value_or(kMaxRate), *line->rate);
  }
  return slowest;
}

void Bandwidth::read_timetable(Line& line, SteadyTime now) const {
  if (line.limit.windows.empty()) {
    line.rate = line.limit.rate;
    return;
  }
  if (now < line.looked + kReadTimetableAfter && line.looked != SteadyTime{}) return;
  line.looked = now;
  line.rate = line.limit.rate_at(line.zone.at(clock_.now()));
}

Result<> BandwidthControl::load() {
  const std::lock_guard lock(mutex_);
  return apply();
}

void BandwidthControl::use_storages(std::vector<std::string> storages) {
  const std::lock_guard lock(mutex_);
  storages_ = std::move(storages);
}

Result<> BandwidthControl::set(const BandwidthLimit& limit) {
  if (auto zone = TimeZone::find(limit.time_zone); !zone) return zone.error();
  const std::lock_guard lock(mutex_);
  const bool of_storage = limit.scope.kind == BandwidthScope::Kind::storage;
  if (of_storage && std::ranges::find(storages_, limit.scope.name) == storages_.end()) {
    return Error{Errc::not_found, fmt::format("there is no storage '{}': the configured ones are {}",
                                              printable(limit.scope.name), fmt::join(storages_, ", "))};
  }
  if (auto put = kept_.put(limit); !put) return put;
  return apply();
}

Result<> BandwidthControl::remove(const BandwidthScope& scope) {
  const std::lock_guard lock(mutex_);
  if (auto removed = kept_.remove(scope); !removed) return removed;
  return apply();
}

Result<> BandwidthControl::apply() {
  auto limits = kept_.list();
  if (!limits) return limits.error();
  live_.set(*limits);
  return {};
}

}  // namespace vodlift
