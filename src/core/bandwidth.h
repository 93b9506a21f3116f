// Bandwidth limits at work: what may be sent when, and how limits are changed while uploads run.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/bandwidth_limit.h"
#include "core/bandwidth_shares.h"

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
//
// Where nodes share the limits, this node sends what its share of each allows: nothing before it has one. It holds
// shares only of limits that it uses. While shares cannot be renewed, it falls to an equal part of the limit.
class Bandwidth {
 public:
  // Asks for a renewal of the shares soon: wishes(), and then grant(). Any thread; must not block.
  using Renew = std::function<void()>;

  // `renew`: nodes share the limits; null: there is one node, and wishes() and grant() are not used.
  explicit Bandwidth(const Clock& clock, SteadyClock steady = std::chrono::steady_clock::now, Renew renew = nullptr)
      : clock_(clock), steady_(std::move(steady)), renew_(std::move(renew)) {}

  // Replaces all limits. A time zone that does not exist is read as UTC.
  void set(const std::vector<BandwidthLimit>& limits);

  struct Chunk {
    std::size_t bytes = 0;  // 1..wanted; 0: there is no share yet, ask again after the wait
    std::chrono::nanoseconds wait{0};
  };
  // How much of `wanted` (>= 1) bytes may be sent, and after which wait. The bytes are charged at once, whether they
  // are sent or not.
  Chunk next(const BandwidthUse& use, std::size_t wanted);

  // The time that waits are measured by.
  [[nodiscard]] SteadyTime now() const { return steady_(); }

  // Bytes a second that the slowest of the limits allows that apply to `use` now, at all nodes together; nothing: there
  // is none.
  [[nodiscard]] ByteRate limit(const BandwidthUse& use);

  // What this node wants of the limits that it uses; nothing: there is no limit. To be asked once a second or so.
  [[nodiscard]] std::optional<std::vector<BandwidthWish>> wishes();
  // The shares of this node, until then; what is not among them it does not have.
  void grant(const BandwidthShares::Renewed& renewed, SteadyTime until);
  // What this node may send now of each limit, in bytes per second; empty: nodes do not share.
  [[nodiscard]] std::map<BandwidthScope, std::int64_t> shares();

 private:
  struct Line {
    BandwidthLimit limit;
    TimeZone zone = TimeZone::utc();
    ByteRate rate;           // at `looked`
    SteadyTime looked{};     // when the timetable was read last
    SteadyTime free_from{};  // all time before this moment is given away

    // Where nodes share it.
    std::int64_t share = 0;               // bytes per second
    std::int64_t wish = 0;                // the same
    std::int64_t senders = 1;             // when the wish was measured
    bool asked = false;                   // since then
    std::int64_t used = 0;                // bytes, since then
    std::int64_t largest = 1;             // chunk since then
    std::chrono::nanoseconds longest{0};  // that a chunk had to wait here since then
  };
  // A line that applies, and the bytes per second that this node may send of it.
  struct Applies {
    Line* line = nullptr;
    std::int64_t rate = 0;
  };

  // The lines with a rate that apply to `use`; null where there are fewer.
  using Lines = std::array<Applies, 4>;
  Lines lines_of(const BandwidthUse& use, SteadyTime now);
  static ByteRate slowest_of(const Lines& lines);
  void read_timetable(Line& line, SteadyTime now) const;
  [[nodiscard]] std::int64_t own_rate(const Line& line, SteadyTime now) const;
  bool note_lack(const Lines& lines, SteadyTime now);
  static void measure(Line& line, std::chrono::nanoseconds elapsed, bool lease_is_over);

  const Clock& clock_;
  const SteadyClock steady_;
  const Renew renew_;
  std::atomic<bool> limited_{false};
  std::mutex mutex_;  // guards the rest
  std::map<BandwidthScope, Line> lines_;
  // Where nodes share the limits.
  SteadyTime share_until_{};
  std::int64_t nodes_ = 1;
  SteadyTime measured_{};
  SteadyTime renew_not_before_{};
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
  // Renews what this node has of the limits, and of what `more` wishes for, if there are any. Answers the shares of
  // `more`, which last until then. To be called once a second or so, by one thread at a time.
  struct Granted {
    std::vector<BandwidthShare> shares;
    SteadyTime until{};
  };
  Result<Granted> renew(BandwidthShares& shares, const NodeTerm& self, const std::vector<BandwidthWish>& more = {});
  // From now on these are the configured storages. Limits of others stay kept.
  void use_storages(std::vector<std::string> storages);

  Result<std::vector<BandwidthLimit>> list() { return kept_.list(); }
  // As Bandwidth::shares().
  [[nodiscard]] std::map<BandwidthScope, std::int64_t> shares() { return live_.shares(); }
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
