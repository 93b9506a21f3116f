#include "core/bandwidth.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

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
// Who has no share of a limit yet asks again after this, and a renewal is asked for so often at most.
constexpr auto kAskAgain = 50ms;
constexpr auto kRenewPause = 200ms;
// What a node wants is measured over so long at least.
constexpr auto kMeasureAfter = 500ms;

}  // namespace

void Bandwidth::set(const std::vector<BandwidthLimit>& limits) {
  const std::lock_guard lock(mutex_);
  std::map<BandwidthScope, Line> lines;
  for (const BandwidthLimit& limit : limits) {
    Line& line = lines[limit.scope];
    // Chunks that wait already keep their time; new ones come after them.
    if (const auto before = lines_.find(limit.scope); before != lines_.end()) line = before->second;
    line.limit = limit;
    const auto zone = TimeZone::find(limit.time_zone);
    line.zone = zone ? *zone : TimeZone::utc();
    line.looked = {};
  }
  // Shares were not renewed as long as there was nothing to be shared.
  if (lines_.empty()) share_until_ = steady_() + kShareLease;
  lines_ = std::move(lines);
  limited_ = !lines_.empty();
}

Bandwidth::Chunk Bandwidth::next(const BandwidthUse& use, std::size_t wanted) {
  if (!limited_) return {wanted, 0ns};
  std::unique_lock lock(mutex_);
  const auto now = steady_();
  const Lines lines = lines_of(use, now);
  const ByteRate slowest = slowest_of(lines);
  if (!slowest) return {wanted, 0ns};
  if (*slowest == 0) {
    const bool renews = note_lack(lines, now);
    lock.unlock();
    if (renews) renew_();
    return {0, kAskAgain};
  }
  const auto bytes = std::min<std::int64_t>(static_cast<std::int64_t>(wanted),
                                            std::clamp(*slowest / kChunksPerSecond, kSmallestChunk, kLargestChunk));
  auto start = now;
  for (const auto& [line, rate] : lines) {
    if (line != nullptr) start = std::max(start, line->free_from);
  }
  for (const auto& [line, rate] : lines) {
    if (line == nullptr) continue;
    const auto lasts = std::chrono::nanoseconds(bytes * 1'000'000'000 / rate);
    if (renew_) {
      line->asked = true;
      line->used += bytes;
      line->largest = std::max(line->largest, bytes);
      line->longest = std::max<std::chrono::nanoseconds>(line->longest, line->free_from - now);
    }
    line->free_from = std::max(now - kToleratedDelay, line->free_from) + lasts;
  }
  return {static_cast<std::size_t>(bytes), start - now};
}

ByteRate Bandwidth::limit(const BandwidthUse& use) {
  if (!limited_) return std::nullopt;
  const std::lock_guard lock(mutex_);
  ByteRate slowest;
  for (const auto& [line, rate] : lines_of(use, steady_())) {
    if (line != nullptr) slowest = std::min(slowest.value_or(kMaxRate), *line->rate);
  }
  return slowest;
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
    if (at->second.rate) lines[count++] = {&at->second, own_rate(at->second, now)};
  }
  return lines;
}

ByteRate Bandwidth::slowest_of(const Lines& lines) {
  ByteRate slowest;
  for (const auto& [line, rate] : lines) {
    if (line != nullptr) slowest = std::min(slowest.value_or(kMaxRate), rate);
  }
  return slowest;
}

// Of a line with a rate.
std::int64_t Bandwidth::own_rate(const Line& line, SteadyTime now) const {
  if (!renew_) return *line.rate;
  if (now >= share_until_) return *line.rate / nodes_;
  return std::min(line.share, *line.rate);
}

// Whether a renewal is due.
bool Bandwidth::note_lack(const Lines& lines, SteadyTime now) {
  for (const auto& [line, rate] : lines) {
    if (line != nullptr) line->asked = true;
  }
  if (now < renew_not_before_) return false;
  renew_not_before_ = now + kRenewPause;
  return true;
}

std::optional<std::vector<BandwidthWish>> Bandwidth::wishes() {
  if (!limited_) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto now = steady_();
  const auto elapsed = now - measured_;
  if (elapsed >= kMeasureAfter) measured_ = now;
  std::vector<BandwidthWish> wishes;
  for (auto& [scope, line] : lines_) {
    read_timetable(line, now);
    if (!line.rate) continue;
    if (elapsed >= kMeasureAfter) {
      measure(line, elapsed, now >= share_until_);
    } else if (line.share == 0 && line.asked) {
      line.wish = *line.rate;
    }
    line.wish = std::min(line.wish, *line.rate);
    if (line.wish > 0) wishes.push_back({scope, *line.rate, line.wish, line.senders});
  }
  return wishes;
}

// A node that uses up its share wants as much as it can get. One that does not gives back step by step, so that a short
// pause costs it little.
void Bandwidth::measure(Line& line, std::chrono::nanoseconds elapsed, bool lease_is_over) {
  constexpr std::int64_t kLeastPart = 8;  // of the limit, for whoever uses it
  using Seconds = std::chrono::duration<double>;
  if (line.asked) {
    const auto rate = static_cast<std::int64_t>(static_cast<double>(line.used) / Seconds(elapsed).count());
    const bool uses_all = line.share == 0 || lease_is_over || rate >= line.share / 10 * 9;
    line.wish = uses_all ? *line.rate : std::max({rate / 4 * 5, line.wish / 2, *line.rate / kLeastPart});
    // Whoever asks waits for one chunk of each sender, its own one before included.
    const double ahead = Seconds(line.longest).count() * static_cast<double>(line.share);
    const auto senders = std::llround(ahead / static_cast<double>(line.largest));
    line.senders = std::clamp<std::int64_t>(senders, 1, kMostSenders);
  } else {
    line.wish /= 2;
    if (line.wish < *line.rate / kLeastPart / 2) line.wish = 0;
  }
  line.asked = false;
  line.used = 0;
  line.largest = 1;
  line.longest = {};
}

void Bandwidth::grant(const BandwidthShares::Renewed& renewed, SteadyTime until) {
  const std::lock_guard lock(mutex_);
  for (auto& [scope, line] : lines_) line.share = 0;
  for (const BandwidthShare& share : renewed.shares) {
    if (const auto at = lines_.find(share.scope); at != lines_.end()) at->second.share = share.rate;
  }
  share_until_ = until;
  nodes_ = std::max<std::int64_t>(renewed.nodes, 1);
}

std::map<BandwidthScope, std::int64_t> Bandwidth::shares() {
  std::map<BandwidthScope, std::int64_t> shares;
  if (!renew_) return shares;
  const std::lock_guard lock(mutex_);
  const auto now = steady_();
  for (auto& [scope, line] : lines_) {
    read_timetable(line, now);
    if (line.rate) shares[scope] = own_rate(line, now);
  }
  return shares;
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

Result<BandwidthControl::Granted> BandwidthControl::renew(BandwidthShares& shares, const NodeTerm& self,
                                                          const std::vector<BandwidthWish>& more) {
  const auto limits = live_.wishes();
  if (!limits && more.empty()) return Granted();
  std::vector<BandwidthWish> wishes = limits.value_or(std::vector<BandwidthWish>());
  const auto of_limits = static_cast<std::ptrdiff_t>(wishes.size());
  wishes.insert(wishes.end(), more.begin(), more.end());
  // The lease begins later than this, so it ends later for the others than here.
  const auto begun = live_.now();
  auto renewed = shares.renew(self, wishes);
  if (!renewed) return renewed.error();
  Granted granted{{renewed->shares.begin() + of_limits, renewed->shares.end()}, begun + kShareLease};
  renewed->shares.resize(static_cast<std::size_t>(of_limits));
  live_.grant(*renewed, granted.until);
  return granted;
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
