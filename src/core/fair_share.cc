#include "core/fair_share.h"

#include <algorithm>
#include <span>

namespace vodlift {
namespace {

using Head = Candidate::Head;

constexpr int kMostListedUploads = 4096;
// What an account of weight 1 can take in one turn.
constexpr int kFirstDepth = static_cast<int>(kQuantumBytes / kLeastChargeBytes);

// Rounds until a flow may take its head; 0: it has none.
std::int64_t rounds_short(const std::optional<Head>& head, std::int64_t balance, std::int64_t quantum) {
  if (!head) return 0;
  if (quantum <= 0) return 1;  // it became ready after the turn had begun
  return std::max<std::int64_t>(-balance, 0) / quantum + 1;
}

// A kind that has nothing ready does not save anything for later; its debt stays.
void begin_turn(FairShare::Balances& balances, bool has_small, bool has_large, std::int64_t quantum) {
  const std::int64_t each = has_small && has_large ? quantum / 2 : quantum;
  balances.small.quantum = has_small ? each : 0;
  balances.large.quantum = has_large ? each : 0;
  for (FairShare::Flow* flow : {&balances.small, &balances.large}) {
    flow->balance = std::min(flow->balance, std::int64_t{0}) + flow->quantum;
  }
}

bool is_empty(const FairShare::Balances& balances) {
  const auto zero = [](const FairShare::Flow& flow) { return flow.balance == 0 && flow.quantum == 0; };
  return zero(balances.small) && zero(balances.large);
}

}  // namespace

// What is left of the accounts' room while a choice is made.
class FairShare::RoomLeft {
 public:
  explicit RoomLeft(const Room& room) : room_(room) {}

  bool has(AccountId account) { return !room_ || of(account).value_or(1) > 0; }
  void take(AccountId account) {
    if (!room_) return;
    if (auto& left = of(account)) --*left;
  }

 private:
  std::optional<int>& of(AccountId account) {
    const auto [at, is_new] = left_.try_emplace(account);
    if (is_new) at->second = room_(account);
    return at->second;
  }

  const Room& room_;
  std::map<AccountId, std::optional<int>> left_;
};

// One priority of a choice, worked out beside its ring, which does not change.
class FairShare::Rounds {
 public:
  // What is known of the candidates of this priority.
  struct Known {
    bool all_accounts = false;  // no account is missing that may have a place
    bool any_large = false;     // large uploads were asked for
    bool left_out = false;      // something is ready that has no room
  };

  Rounds(const Ring& ring, std::span<const Candidate> candidates, Known known, Places& places, RoomLeft& room,
         Choice& choice)
      : ring_(ring), known_(known), places_(places), room_(room), choice_(choice) {
    turns_.current = ring.current;
    turns_.turn_begun = ring.turn_begun;
    for (const Candidate& candidate : candidates) offers_.push_back({&candidate});
  }

  Turns run() &&;

 private:
  // A candidate, and how many of its uploads are picked.
  struct Offer {
    const Candidate* candidate = nullptr;
    std::size_t small = 0;
    std::size_t large = 0;
  };

  Offer* next_turn();
  std::int64_t serve(Offer* offer);
  void take(Offer& offer, bool large, Balances& balances);
  std::optional<Head> head(const Offer* offer, bool large);
  static bool is_used_up(const Offer& offer);
  bool has_room(const Offer& offer);
  void grant(const std::map<AccountId, std::int64_t>& short_of, std::int64_t rounds);
  Balances& balances_of(AccountId account);

  const Ring& ring_;
  Known known_;
  Places& places_;
  RoomLeft& room_;
  Choice& choice_;
  Turns turns_;
  std::vector<Offer> offers_;
  std::size_t next_ = 0;  // of offers_
};

FairShare::Turns FairShare::Rounds::run() && {
  std::map<AccountId, std::int64_t> short_of;  // rounds, of the accounts seen since one of them took something
  while (places_.all > 0) {
    Offer* const offer = next_turn();
    if (offer == nullptr && !turns_.turn_begun) {
      // Nobody has anything left. Large uploads may be ready all the same if they were not asked for.
      turns_.reset = known_.all_accounts && known_.any_large && !known_.left_out;
      break;
    }
    const AccountId account = turns_.current;
    if (short_of.contains(account)) {
      // All the way round, and all are in debt: as many rounds at once as the first of them needs.
      std::int64_t rounds = 0;
      for (const auto& [who, missing] : short_of) {
        if (missing > 0) rounds = rounds == 0 ? missing : std::min(rounds, missing);
      }
      if (rounds == 0) break;
      grant(short_of, rounds - 1);
      short_of.clear();
    }
    const int places_before = places_.all;
    const std::int64_t missing = serve(offer);
    if (places_.all < places_before) short_of.clear();
    if (offer != nullptr) short_of[account] = missing;  // without an offer a turn has only ended
  }
  return std::move(turns_);
}

// The offer of the account whose turn it is; none where it has nothing ready any more, or where nobody has.
FairShare::Rounds::Offer* FairShare::Rounds::next_turn() {
  if (turns_.turn_begun) {
    const bool ready = next_ < offers_.size() && offers_[next_].candidate->account == turns_.current;
    return ready ? &offers_[next_++] : nullptr;
  }
  for (std::size_t seen = 0; seen < offers_.size(); ++seen) {
    if (next_ == offers_.size()) {
      if (!known_.all_accounts) choice_.needs_more = true;
      next_ = 0;
    }
    Offer& offer = offers_[next_++];
    if (is_used_up(offer) || !has_room(offer)) continue;
    turns_.current = offer.candidate->account;
    return &offer;
  }
  if (!known_.all_accounts) choice_.needs_more = true;
  return nullptr;
}

// Takes what the account may have in its turn. Answers how many rounds more it needs for its next upload; 0: none is
// left that could be taken.
std::int64_t FairShare::Rounds::serve(Offer* offer) {
  Balances& balances = balances_of(turns_.current);
  const auto next_large = [&] { return places_.large > 0 ? head(offer, true) : std::nullopt; };
  auto small = head(offer, false);
  auto large = next_large();
  if (!turns_.turn_begun) {
    const int weight = offer == nullptr ? kDefaultWeight : offer->candidate->weight;
    begin_turn(balances, small.has_value(), large.has_value(), kQuantumBytes * weight);
  }
  turns_.turn_begun = true;

  while (small && places_.all > 0 && balances.small.balance > 0) {
    take(*offer, false, balances);
    small = places_.all > 0 ? head(offer, false) : std::nullopt;
  }
  if (large && !has_room(*offer)) large.reset();  // the small ones have taken it
  while (large && places_.all > 0 && balances.large.balance > 0) {
    take(*offer, true, balances);
    large = places_.all > 0 ? next_large() : std::nullopt;
  }
  if (places_.all <= 0) return 0;  // its turn goes on with the next place
  turns_.turn_begun = false;
  const std::int64_t small_short = rounds_short(small, balances.small.balance, balances.small.quantum);
  const std::int64_t large_short = rounds_short(large, balances.large.balance, balances.large.quantum);
  const bool owes = balances.small.balance < 0 || balances.large.balance < 0;
  if (!small && !large && places_.large > 0 && !owes) balances = {};
  return small_short > 0 && large_short > 0 ? std::min(small_short, large_short) : std::max(small_short, large_short);
}

void FairShare::Rounds::take(Offer& offer, bool large, Balances& balances) {
  const Candidate& candidate = *offer.candidate;
  const Head& head = large ? candidate.large[offer.large++] : candidate.small[offer.small++];
  const std::int64_t charge = charge_for(head.rest);
  (large ? balances.large : balances.small).balance -= charge;
  room_.take(candidate.account);
  --places_.all;
  if (large) --places_.large;
  choice_.picks.push_back({head.id, candidate.account, candidate.priority, large, charge});
}

std::optional<Head> FairShare::Rounds::head(const Offer* offer, bool large) {
  if (offer == nullptr || !has_room(*offer)) return std::nullopt;
  const Candidate& candidate = *offer->candidate;
  const std::vector<Head>& listed = large ? candidate.large : candidate.small;
  const std::size_t next = large ? offer->large : offer->small;
  if (next < listed.size()) return listed[next];
  if (large ? candidate.more_large && places_.large > 0 : candidate.more_small) choice_.needs_more = true;
  return std::nullopt;
}

// It has nothing ready any more, not even what has no place now.
bool FairShare::Rounds::is_used_up(const Offer& offer) {
  const Candidate& candidate = *offer.candidate;
  return offer.small == candidate.small.size() && offer.large == candidate.large.size() && !candidate.more_small &&
         !candidate.more_large;
}

bool FairShare::Rounds::has_room(const Offer& offer) {
  if (room_.has(offer.candidate->account)) return true;
  if (!is_used_up(offer)) known_.left_out = true;
  return false;
}

void FairShare::Rounds::grant(const std::map<AccountId, std::int64_t>& short_of, std::int64_t rounds) {
  for (const auto& [account, missing] : short_of) {
    Balances& balances = balances_of(account);
    for (Flow* flow : {&balances.small, &balances.large}) flow->balance += rounds * flow->quantum;
  }
}

FairShare::Balances& FairShare::Rounds::balances_of(AccountId account) {
  const auto [at, is_new] = turns_.accounts.try_emplace(account);
  if (!is_new) return at->second;
  if (const auto known = ring_.accounts.find(account); known != ring_.accounts.end()) at->second = known->second;
  return at->second;
}

std::int64_t charge_for(std::int64_t rest) { return std::clamp(rest, kLeastChargeBytes, kMostChargeBytes); }

// Whether the current account has something left of its turn.
bool FairShare::may_go_on(const Ring& ring) {
  const auto current = ring.accounts.find(ring.current);
  if (!ring.turn_begun || current == ring.accounts.end()) return false;
  return current->second.small.balance > 0 || current->second.large.balance > 0;
}

CandidateQuery FairShare::query(const Places& places, int length) const {
  const std::int64_t longer = std::int64_t{1} << (2 * length);
  CandidateQuery query;
  query.places = places;
  query.uploads = static_cast<int>(std::clamp<std::int64_t>(longer * places.all, 1, kMostListedUploads));
  query.depth = static_cast<int>(longer * kFirstDepth);
  for (const auto& [priority, ring] : rings_) {
    query.from.at(static_cast<std::size_t>(priority)) = may_go_on(ring) ? ring.current : ring.current + 1;
  }
  return query;
}

FairShare::Choice FairShare::choose(const Candidates& candidates, Places places, const Room& room) const {
  static const Ring kNewRing;
  const bool any_large = places.large > 0;
  Choice choice;
  RoomLeft room_left(room);
  std::span<const Candidate> left(candidates.accounts);
  for (int priority = kMaxPriority; priority >= 0 && places.all > 0; --priority) {
    const auto other = std::ranges::find_if(left, [&](const Candidate& one) { return one.priority != priority; });
    const auto here = left.first(static_cast<std::size_t>(other - left.begin()));
    left = left.subspan(here.size());
    const bool complete = !candidates.more_accounts || !left.empty();
    const auto known = rings_.find(priority);
    const Ring& ring = known == rings_.end() ? kNewRing : known->second;
    choice.turns[priority] =
        Rounds(ring, here, {complete, any_large, candidates.left_out}, places, room_left, choice).run();
  }
  return choice;
}

Result<FairShare::Choice> FairShare::choose(const Places& places, const ListCandidates& list, const Room& room) const {
  for (int length = 0;; ++length) {
    CandidateQuery asked = query(places, length);
    if (room) asked.leaves_out = [&room](AccountId account) { return room(account).value_or(1) <= 0; };
    const auto candidates = list(asked);
    if (!candidates) return candidates.error();
    Choice choice = choose(*candidates, places, room);
    const bool longest = asked.uploads == kMostListedUploads && asked.depth >= places.all;
    if (!choice.needs_more || longest) return choice;
  }
}

void FairShare::charge(const Choice& choice, const std::vector<UploadId>& claimed) {
  for (const auto& [priority, turns] : choice.turns) {
    if (turns.reset) {
      rings_.erase(priority);
      continue;
    }
    Ring& ring = rings_[priority];
    ring.current = turns.current;
    ring.turn_begun = turns.turn_begun;
    for (const auto& [account, balances] : turns.accounts) {
      if (is_empty(balances)) {
        ring.accounts.erase(account);
      } else {
        ring.accounts[account] = balances;
      }
    }
  }
  for (const Pick& pick : choice.picks) {
    if (choice.turns.at(pick.priority).reset || std::ranges::find(claimed, pick.id) != claimed.end()) continue;
    Balances& balances = rings_[pick.priority].accounts[pick.account];
    (pick.large ? balances.large : balances.small).balance += pick.charge;
  }
}

void FairShare::settle(int priority, AccountId account, std::int64_t more) {
  Flow& large = rings_[priority].accounts[account].large;
  // What was charged and not sent makes a debt smaller, but gives nobody a second upload in the same turn.
  if (more < 0) {
    large.balance = std::min(large.balance - more, std::max(large.balance, std::int64_t{0}));
  } else {
    large.balance = std::max(large.balance - more, -kMostDebtBytes);
  }
}

}  // namespace vodlift
