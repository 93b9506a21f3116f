// How the receivers of callbacks do: sums that are kept with each attempt, and never counted.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "core/callback_queue.h"
#include "core/upload.h"

namespace vodlift {

// So many receivers have sums of their own, and so many of one account. A receiver gets them with a new callback, where
// there is room; the callbacks of others are counted together. A receiver makes room when nothing waits for it and it
// had no new callback and no attempt for kIdleReceiver, and what was counted of it is forgotten. Where there is no
// room, that is looked for once in kReceiverSweep.
inline constexpr int kMostReceivers = 1000;
inline constexpr int kMostReceiversOfOne = 100;
inline constexpr std::chrono::hours kIdleReceiver{24};
inline constexpr std::chrono::minutes kReceiverSweep{1};
// Whose sums are those of the others; their receiver is "".
inline constexpr AccountId kOtherReceivers = 0;

// Of one receiver of an account. Pure.
struct ReceiverSums {
  // How many attempts, on the day of the last one and on the day before (UTC).
  struct Days {
    std::int64_t last = 0;
    std::int64_t before = 0;

    [[nodiscard]] std::int64_t both() const { return last + before; }
    bool operator==(const Days&) const = default;
  };

  std::int64_t day = 0;  // of the last attempt, counted from 1970
  Days delivered{};
  Days failed{};
  std::int64_t waiting = 0;                            // callbacks that are pending
  std::optional<std::chrono::milliseconds> latency{};  // of attempts that were answered: each weighs one eighth
  std::string last_error{};
  std::optional<WallTime> last_failure{};
  std::optional<WallTime> last_success{};
  std::optional<WallTime> failing_since{};  // all attempts since then have failed
  std::optional<WallTime> used{};           // the last attempt or new callback

  // Another callback is pending.
  void add_waiting(WallTime now);
  // An attempt ended; `error` is what is kept of its error. `waiting` goes down where the callback is over.
  void count(const CallbackAttempt& attempt, const std::string& error, WallTime now);
  // A callback was failed without an attempt.
  void count_refused(WallTime now);
  // Nothing: the last attempt was delivered, or there was none.
  [[nodiscard]] std::optional<ReceiverFailing> failing(WallTime now) const;
  // Moves the days on to that of `now`.
  void turn_to(WallTime now);
  // Whether it may make room.
  [[nodiscard]] bool is_idle(WallTime now) const;

  bool operator==(const ReceiverSums&) const = default;
};

struct CallbackReceiver {
  AccountId account = kOtherReceivers;
  std::string receiver;  // see callback_receiver(); empty: the others
  ReceiverSums sums{};   // of today and yesterday

  bool operator==(const CallbackReceiver&) const = default;
};
inline constexpr int kMostReceiversListed = 100;

// Which receivers are disabled: those to which all attempts have failed, over so long. Their callbacks fail for good
// without an attempt, but for one each kProbeEach and for those that somebody sends again. One that is delivered
// enables the receiver. Nothing is stored but ReceiverSums::failing_since and last_failure, so a restart changes
// nothing; and because the time ends with an attempt, neither does a time in which the server was off. Any thread.
class DisabledReceivers {
 public:
  static constexpr std::chrono::hours kProbeEach{1};

  explicit DisabledReceivers(std::chrono::days after) : after_(after) {}

  // From now on; 0: none is disabled.
  void use(std::chrono::days after) { after_ = after; }

  [[nodiscard]] bool has(const std::optional<ReceiverFailing>& failing) const;
  // Whether one of them should be tried.
  [[nodiscard]] static bool is_probe_due(const ReceiverFailing& failing);

 private:
  std::atomic<std::chrono::days> after_;
};

}  // namespace vodlift
