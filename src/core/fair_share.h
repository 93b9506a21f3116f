// Whose upload is next: weighted round robin on bytes between the accounts of a priority, in which an account may go
// into debt with what it takes and sits out rounds until that is made good.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/upload.h"

namespace vodlift {

// An upload of more than this is large: it is sent in turns, and small ones have places of their own.
inline constexpr std::int64_t kLargeUploadBytes = std::int64_t{64} * 1024 * 1024;
// What an account may send in one round, for each unit of its weight.
inline constexpr std::int64_t kQuantumBytes = std::int64_t{64} * 1024 * 1024;
// The least an upload is charged when it is taken, for what it costs besides its bytes, and the most; what a large one
// sent beyond that in its turn is charged at the turn's end.
inline constexpr std::int64_t kLeastChargeBytes = std::int64_t{1} * 1024 * 1024;
inline constexpr std::int64_t kMostChargeBytes = kQuantumBytes;
// Beyond this, what an account sent is forgotten: while nobody else waited, it may have been anything.
inline constexpr std::int64_t kMostDebtBytes = std::int64_t{1024} * 1024 * 1024;

inline constexpr int kDefaultWeight = 1;  // of an account
inline constexpr int kMaxWeight = 100;

// An upload may begin with `places`; a large one needs one of `large` too.
struct Places {
  int all = 0;
  int large = 0;
};

// The uploads that are ready to run, as the share asks for them. What is taken is not ready any more.
class ReadyQueue {
 public:
  struct Head {
    UploadId id = 0;
    std::int64_t rest = 0;  // bytes still to be sent
  };

  ReadyQueue() = default;
  ReadyQueue(const ReadyQueue&) = delete;
  ReadyQueue& operator=(const ReadyQueue&) = delete;
  virtual ~ReadyQueue() = default;

  // The lowest number above `after` of an account that has any of this priority.
  virtual std::optional<AccountId> next_account(int priority, AccountId after) = 0;
  virtual int weight(AccountId account) = 0;  // 1..100
  // The account's longest waiting one among the small or the large ones.
  virtual std::optional<Head> head(int priority, AccountId account, bool large) = 0;
  virtual void take(const Head& head) = 0;
};

// Remembers who was served how much. A place is never left empty while an upload is ready that may have it: a share
// decides who is first, not how much there is. One thread at a time.
class FairShare {
 public:
  // Takes from `queue` what fits into `places`, highest priority first; inside a priority each account in its turn.
  // What an account may send in a round is halved between its small and its large uploads, where it has both: neither
  // kind waits for all of the other.
  void fill(ReadyQueue& queue, Places places);

  // The turn of a large upload is over; it sent so many bytes more than it was charged (fewer: negative).
  void settle(int priority, AccountId account, std::int64_t more);

 private:
  // One account's small or large uploads.
  struct Flow {
    std::int64_t balance = 0;  // bytes; it may take an upload while this is above 0
    std::int64_t quantum = 0;  // that it got with its last turn
  };
  struct Served {
    Flow small;
    Flow large;
  };
  // The accounts of one priority, and whose turn it is.
  struct Ring {
    std::map<AccountId, Served> accounts;
    AccountId current = 0;
    bool turn_begun = false;  // current has got its quantum
  };
  // What an account has to be taken next; none of a kind also where there is no place for it.
  struct Heads {
    std::optional<ReadyQueue::Head> small;
    std::optional<ReadyQueue::Head> large;
  };

  void fill_from(ReadyQueue& queue, int priority, Places& places);
  static bool next_turn(ReadyQueue& queue, int priority, Ring& ring);
  // Takes what the account may have in its turn. Answers how many rounds more it needs for its next upload; 0: none is
  // left that could be taken.
  static std::int64_t serve(ReadyQueue& queue, int priority, Ring& ring, Places& places);
  static Heads heads_of(ReadyQueue& queue, int priority, AccountId account, const Places& places);
  static void begin_turn(Served& served, const Heads& heads, std::int64_t quantum);

  std::map<int, Ring> rings_;  // by priority
};

// What an upload with so many bytes to be sent is charged when it is taken.
std::int64_t charge_for(std::int64_t rest);

}  // namespace vodlift
