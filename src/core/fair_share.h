// Whose upload is next: weighted round robin by bytes between the accounts of a priority. An account may go into debt
// with what it sends, and sits out rounds until the debt is paid.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/upload.h"
#include "core/upload_request.h"

namespace vodlift {

// An upload of more bytes than this is large: it is sent in turns, and small uploads have places of their own.
inline constexpr std::int64_t kLargeUploadBytes = std::int64_t{64} * 1024 * 1024;
// What an account may send in one round, for each unit of its weight.
inline constexpr std::int64_t kQuantumBytes = std::int64_t{64} * 1024 * 1024;
// An upload is charged at least and at most this much when it is claimed. The least pays for what an upload costs
// besides its bytes. What a large upload sends beyond the most is charged at the end of its turn.
inline constexpr std::int64_t kLeastChargeBytes = std::int64_t{1} * 1024 * 1024;
inline constexpr std::int64_t kMostChargeBytes = kQuantumBytes;
// A debt is never larger: an account that was alone for a while may have sent any amount.
inline constexpr std::int64_t kMostDebtBytes = std::int64_t{1024} * 1024 * 1024;

inline constexpr int kDefaultWeight = 1;  // of an account
inline constexpr int kMaxWeight = 100;
inline constexpr int kMaxUploadsAtOnce = 256;  // of an account

// How many uploads may begin. A large upload needs one of `large` too.
struct Places {
  int all = 0;
  int large = 0;
};

// An account with uploads of one priority that are ready and may have a place, the longest waiting first.
struct Candidate {
  struct Head {
    UploadId id = 0;
    std::int64_t rest = 0;  // bytes still to be sent
    std::string bucket{};   // only where CandidateQuery::with_buckets
  };

  int priority = 0;
  AccountId account = 0;
  int weight = kDefaultWeight;  // 1..kMaxWeight
  std::vector<Head> small;
  std::vector<Head> large;  // empty also where Places::large is 0
  bool more_small = false;  // there may be more of them than are listed here
  bool more_large = false;
};

// What is ready at one moment. The highest priority comes first; inside a priority the accounts come in ascending
// order, starting at CandidateQuery::from and wrapping around.
struct Candidates {
  std::vector<Candidate> accounts;
  bool more_accounts = false;  // there may be more of the last priority in the list, and of every lower one
  bool left_out = false;       // of an account that CandidateQuery::leaves_out names something is ready
};

// Which candidates a store lists.
struct CandidateQuery {
  Places places;    // it lists no large upload where there is no place for one
  int uploads = 0;  // it stops after the account with which this many are listed, >= 1
  int depth = 0;    // of one account at most this many of each kind, >= 1, and no more than there are places
  std::array<AccountId, kMaxPriority + 1> from{};  // by priority: the first account of the order
  bool with_buckets = false;                       // costs a look at each row
  std::function<bool(AccountId)> leaves_out{};     // these accounts are not listed; must not block
};

// Answers one query. May fail, as whatever it asks may.
using ListCandidates = std::function<Result<Candidates>(const CandidateQuery& query)>;

// Remembers how much was sent for each account. No place stays empty while a ready upload may have it:
// a share decides who is first, not how much is sent. To claim: choose(), have a store claim what was chosen, and
// charge() what it claimed once that is committed. One thread.
class FairShare {
 public:
  // An upload that is next.
  struct Pick {
    UploadId id = 0;
    AccountId account = 0;
    int priority = 0;
    bool large = false;
    std::int64_t charge = 0;  // bytes
  };

  // One account's small or large uploads.
  struct Flow {
    std::int64_t balance = 0;  // bytes; an upload may be taken while this is above 0
    std::int64_t quantum = 0;  // bytes that its last turn added
  };
  struct Balances {
    Flow small;
    Flow large;
  };

  // The turns of one priority after a choice of which everything is claimed.
  struct Turns {
    bool reset = false;  // nothing is ready any more: the balances and the turn of this priority are forgotten
    AccountId current = 0;
    bool turn_begun = false;
    std::map<AccountId, Balances> accounts;  // that had a turn
  };

  // How many more uploads of an account may begin; nothing: as many as there are places.
  using Room = std::function<std::optional<int>(AccountId)>;

  struct Choice {
    std::vector<Pick> picks;     // in the order in which they are to begin
    bool needs_more = false;     // a longer list of candidates might lead to another choice
    std::map<int, Turns> turns;  // by priority
  };

  // Chooses from `candidates` for `places`, highest priority first; inside a priority each account in its turn. What an
  // account may send in a round is halved between its small and its large uploads, where it has both: neither kind
  // waits for all of the other. An account that has no room is passed over, and nobody waits for it.
  [[nodiscard]] Choice choose(const Candidates& candidates, Places places, const Room& room = nullptr) const;

  // The same, asking for the candidates. It asks again for a list four times as long while the choice needs more, up to
  // 4,096 uploads: accounts beyond that list wait for a later choice. An account without room is
  // not listed. Errors: those of `list`.
  [[nodiscard]] Result<Choice> choose(const Places& places, const ListCandidates& list,
                                      const Room& room = nullptr) const;

  // Charges the accounts for what was claimed of the choice, and moves the turns on. Call it once for a choice,
  // and do not change the share between choose() and charge().
  void charge(const Choice& choice, const std::vector<UploadId>& claimed);

  // The turn of a large upload is over. It sent `more` bytes than it was charged; fewer: negative.
  void settle(int priority, AccountId account, std::int64_t more);

 private:
  class Rounds;
  class RoomLeft;

  // The accounts of one priority, and whose turn it is.
  struct Ring {
    std::map<AccountId, Balances> accounts;
    AccountId current = 0;
    bool turn_begun = false;  // the current account has got its quantum
  };

  static bool may_go_on(const Ring& ring);
  [[nodiscard]] CandidateQuery query(const Places& places, int length) const;

  std::map<int, Ring> rings_;  // by priority
};

// What an upload with so many bytes to be sent is charged when it is claimed.
std::int64_t charge_for(std::int64_t rest);

}  // namespace vodlift
