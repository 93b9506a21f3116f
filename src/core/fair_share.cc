#include "core/fair_share.h"

#include <algorithm>

#include "core/upload_request.h"

namespace vodlift {
namespace {

// Rounds until a flow may take its head; 0: it has none.
std::int64_t rounds_short(const std::optional<ReadyQueue::Head>& head, std::int64_t balance, std::int64_t quantum) {
  if (!head) return 0;
  if (quantum <= 0) return 1;  // it became ready after the turn had begun
  return std::max<std::int64_t>(-balance, 0) / quantum + 1;
}

}  // namespace

std::int64_t charge_for(std::int64_t rest) { return std::clamp(rest, kLeastChargeBytes, kMostChargeBytes); }

void FairShare::fill(ReadyQueue& queue, Places places) {
  for (int priority = kMaxPriority; priority >= 0 && places.all > 0; --priority) {
    fill_from(queue, priority, places);
  }
}

void FairShare::settle(int priority, AccountId account, std::int64_t more) {
  Flow& large = rings_[priority].accounts[account].large;
  // What was charged in vain makes a debt smaller, but lets nobody have a second upload in the same turn.
  if (more < 0) {
    large.balance = std::min(large.balance - more, std::max(large.balance, std::int64_t{0}));
  } else {
    large.balance = std::max(large.balance - more, -kMostDebtBytes);
  }
}

void FairShare::fill_from(ReadyQueue& queue, int priority, Places& places) {
  Ring& ring = rings_[priority];
  std::map<AccountId, std::int64_t> short_of;  // rounds, of the accounts seen since one of them took something
  while (places.all > 0 && next_turn(queue, priority, ring)) {
    const AccountId account = ring.current;
    if (short_of.contains(account)) {
      // All the way round, and all are in debt: as many rounds at once as the first of them needs.
      std::int64_t rounds = 0;
      for (const auto& [who, missing] : short_of) {
        if (missing > 0) rounds = rounds == 0 ? missing : std::min(rounds, missing);
      }
      if (rounds == 0) return;
      for (const auto& [who, missing] : short_of) {
        Served& served = ring.accounts[who];
        for (Flow* flow : {&served.small, &served.large}) flow->balance += (rounds - 1) * flow->quantum;
      }
      short_of.clear();
    }
    const int places_before = places.all;
    const std::int64_t missing = serve(queue, priority, ring, places);
    if (places.all < places_before) short_of.clear();
    short_of[account] = missing;
  }
}

// False when nobody has anything ready.
bool FairShare::next_turn(ReadyQueue& queue, int priority, Ring& ring) {
  if (ring.turn_begun) return true;
  auto next = queue.next_account(priority, ring.current);
  if (!next && ring.current > 0) next = queue.next_account(priority, 0);
  if (!next) {
    ring = {};
    return false;
  }
  ring.current = *next;
  return true;
}

std::int64_t FairShare::serve(ReadyQueue& queue, int priority, Ring& ring, Places& places) {
  const AccountId account = ring.current;
  Served& served = ring.accounts[account];
  Heads heads = heads_of(queue, priority, account, places);
  if (!ring.turn_begun) begin_turn(served, heads, kQuantumBytes * queue.weight(account));
  ring.turn_begun = true;

  const auto take = [&](const ReadyQueue::Head& head, Flow& flow) {
    queue.take(head);
    flow.balance -= charge_for(head.rest);
    --places.all;
  };
  while (heads.small && places.all > 0 && served.small.balance > 0) {
    take(*heads.small, served.small);
    heads.small = queue.head(priority, account, false);
  }
  while (heads.large && places.all > 0 && served.large.balance > 0) {
    take(*heads.large, served.large);
    --places.large;
    heads.large = places.large > 0 ? queue.head(priority, account, true) : std::nullopt;
  }
  if (places.all <= 0) return 0;  // its turn goes on with the next place
  ring.turn_begun = false;
  const std::int64_t small = rounds_short(heads.small, served.small.balance, served.small.quantum);
  const std::int64_t large = rounds_short(heads.large, served.large.balance, served.large.quantum);
  const bool owes = served.small.balance < 0 || served.large.balance < 0;
  if (!heads.small && !heads.large && places.large > 0 && !owes) ring.accounts.erase(account);
  return small > 0 && large > 0 ? std::min(small, large) : std::max(small, large);
}

FairShare::Heads FairShare::heads_of(ReadyQueue& queue, int priority, AccountId account, const Places& places) {
  return {queue.head(priority, account, false), places.large > 0 ? queue.head(priority, account, true) : std::nullopt};
}

// A kind that has nothing ready saves nothing up; what it owes stays.
void FairShare::begin_turn(Served& served, const Heads& heads, std::int64_t quantum) {
  const std::int64_t each = heads.small && heads.large ? quantum / 2 : quantum;
  served.small.quantum = heads.small ? each : 0;
  served.large.quantum = heads.large ? each : 0;
  for (Flow* flow : {&served.small, &served.large}) {
    flow->balance = std::min(flow->balance, std::int64_t{0}) + flow->quantum;
  }
}

}  // namespace vodlift
