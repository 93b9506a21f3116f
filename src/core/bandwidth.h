// Bandwidth limits at work: what may be sent when, and how limits are changed while uploads run.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/bandwidth_limit.h"

namespace vodlift {

// Whose bytes are sent, and from where.
struct BandwidthUse {
  AccountId account = 0;
  std::string bucket;
  std::string storage;
};

// A sender asks before each chunk, and waits as long as the answer says. Chunks that share a limit are sent in the
// order of asking, so that every sender progresses. Unused bandwidth is not carried over. Internally locked; never
// blocks.
class Bandwidth {
 public:
  explicit Bandwidth(const Clock& clock, SteadyClock steady = std::chrono::steady_clock::now)
      : clock_(clock), steady_(std::move(steady)) {}

  // Replaces all limits. A time zone that does not exist is read as UTC.
  void set(const std::vector<BandwidthLimit>& limits);

  struct Chunk {
    std::size_t bytes = 0;  // 1..wanted
    std::chrono::nanoseconds wait{0};
  };
  // How much of `wanted` (>= 1) bytes may be sent, and after which wait. The bytes are charged at once, whether they
  // are sent or not.
  Chunk next(const BandwidthUse& use, std::size_t wanted);

  // The time that waits are measured by.
  [[nodiscard]] SteadyTime now() const { return steady_(); }

  // Bytes a second that the slowest of the limits allows that apply to `use` now; nothing: there is none.
  [[nodiscard]] ByteRate limit(const BandwidthUse& use);

 private:
  struct Line {
    BandwidthLimit limit;
    TimeZone zone = TimeZone::utc();
    ByteRate rate;           // at `looked`
    SteadyTime looked{};     // when the timetable was read last
    SteadyTime free_from{};  // all time before this moment is given away
  };

  // The lines with a rate that apply to `use`; null where there are fewer.
  using Lines = std::array<Line*, 4>;
  Lines lines_of(const BandwidthUse& use, SteadyTime now);
  static ByteRate slowest_of(const Lines& lines);
  void read_timetable(Line& line, SteadyTime now) const;

  const Clock& clock_;
  const SteadyClock steady_;
  std::atomic<bool> limited_{false};
  std::mutex mutex_;  // guards the rest
  std::map<BandwidthScope, Line> lines_;
};

// Changes the limits that are kept and those that apply, in one step. Internally locked; blocks for the disk. Errors of
// all: those of BandwidthLimits.
class BandwidthControl {
 public:
  // `storages`: the names of the configured storages.
  BandwidthControl(BandwidthLimits& kept, Bandwidth& live, std::vector<std::string> storages)
      : kept_(kept), live_(live), storages_(std::move(storages)) {}

  // Applies the limits that are kept.
  Result<> load();
  // From now on these are the configured storages. Limits of others stay kept.
  void use_storages(std::vector<std::string> storages);

  Result<std::vector<BandwidthLimit>> list() { return kept_.list(); }
  // Effective at once. Errors also: invalid_value (no such time zone), not_found (no such storage).
  Result<> set(const BandwidthLimit& limit);
  // Errors also: not_found.
  Result<> remove(const BandwidthScope& scope);

 private:
  Result<> apply();

  BandwidthLimits& kept_;
  Bandwidth& live_;
  std::mutex mutex_;  // one change at a time, so that the limits kept last are those that apply; guards the rest
  std::vector<std::string> storages_;
};

}  // namespace vodlift
