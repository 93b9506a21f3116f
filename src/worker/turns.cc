#include "worker/turns.h"

#include <algorithm>
#include <map>

namespace vodlift::worker {
namespace {

// How many uploads run, by account and priority.
class Counts {
 public:
  explicit Counts(const std::vector<RunningTurn>& running) {
    for (const RunningTurn& run : running) ++counts_[{run.priority, run.account}];
  }

  // Whether the account of `run` has more running than that of `waiting`, by weight.
  [[nodiscard]] bool more(const RunningTurn& run, const Candidate& waiting) const {
    return of(run.priority, run.account) * waiting.weight > of(waiting.priority, waiting.account) * run.weight;
  }

  // Whether `one` has a weaker claim to its place than `other`.
  [[nodiscard]] bool weaker(const RunningTurn& one, const RunningTurn& other) const {
    if (one.priority != other.priority) return one.priority < other.priority;
    const int share_of_one = of(one.priority, one.account) * other.weight;
    const int share_of_other = of(other.priority, other.account) * one.weight;
    if (share_of_one != share_of_other) return share_of_one > share_of_other;
    return one.since_begin > other.since_begin;
  }

 private:
  [[nodiscard]] int of(int priority, AccountId account) const {
    const auto at = counts_.find({priority, account});
    return at == counts_.end() ? 0 : at->second;
  }

  std::map<std::pair<int, AccountId>, int> counts_;
};

bool lacks_a_place(const Candidate& waiting, const Places& free) {
  if (free.all <= 0) return true;
  return free.large <= 0 && waiting.small.empty();
}

}  // namespace

int ClaimAhead::places(int taken) const {
  const bool ahead = last_run_ < kShortRun;
  const int places = (ahead ? 2 * slots_ : slots_) - taken;
  return ahead && places <= slots_ / 2 ? 0 : std::max(places, 0);
}

int spare_places(int uploads) { return uploads > 1 ? kSparePlaces : 0; }

std::optional<FairShare::Pick> pick_for_spare_place(const Candidates& ready, const SpareQuery& query) {
  const auto held = [&](const auto& matches) {
    return static_cast<int>(std::ranges::count_if(query.holders, matches));
  };
  const int left = spare_places(query.uploads) - held([](const Holder& holder) { return holder.spare; });
  if (left <= 0) return std::nullopt;
  const auto may_have_it = [&](const Candidate& candidate, const Candidate::Head& head) {
    const bool not_new = std::ranges::any_of(query.holders, [&](const Holder& holder) {
      return holder.account == candidate.account && (holder.spare || holder.bucket == head.bucket);
    });
    if (not_new) return false;
    if (left > 1) return true;
    const std::string endpoint = query.endpoint_of(candidate.account, head.bucket);
    return endpoint.empty() || held([&](const Holder& holder) { return holder.endpoint == endpoint; }) <= query.uploads;
  };
  const auto first_of = [&](const Candidate& candidate) -> std::optional<FairShare::Pick> {
    for (const bool large : {false, true}) {
      if ((large ? query.free.large : query.free.all) > 0) continue;
      for (const Candidate::Head& head : large ? candidate.large : candidate.small) {
        if (!may_have_it(candidate, head)) continue;
        return FairShare::Pick{head.id, candidate.account, candidate.priority, large, charge_for(head.rest)};
      }
    }
    return std::nullopt;
  };
  std::optional<FairShare::Pick> found;
  for (const Candidate& candidate : ready.accounts) {
    if (found && candidate.priority < found->priority) break;
    if (found && (found->account > query.last_turn || candidate.account <= query.last_turn)) continue;
    if (auto pick = first_of(candidate)) found = pick;
  }
  return found;
}

int places_for_large(int uploads) { return std::max(1, uploads - std::max(1, uploads / 4)); }

std::optional<UploadId> who_yields(const std::vector<RunningTurn>& running, const std::vector<Candidate>& ready,
                                   const Places& free, std::chrono::milliseconds turn) {
  const auto yields_already = [](const RunningTurn& run) { return run.in_parts && run.ending; };
  if (std::ranges::any_of(running, yields_already)) return std::nullopt;
  const Counts counts(running);
  const auto must_yield = [&](const RunningTurn& run) {
    if (!run.in_parts || run.since_begin < turn * (1 << std::min(run.fruitless, kMostDoublings))) return false;
    if (free.all > 0 && !run.large) return false;  // what lacks a place lacks one for large uploads
    return std::ranges::any_of(ready, [&](const Candidate& waiting) {
      if (!lacks_a_place(waiting, free)) return false;
      if (waiting.priority != run.priority) return waiting.priority > run.priority;
      return waiting.account != run.account && counts.more(run, waiting);
    });
  };
  const RunningTurn* found = nullptr;
  for (const RunningTurn& run : running) {
    if (must_yield(run) && (found == nullptr || counts.weaker(run, *found))) found = &run;
  }
  if (found == nullptr) return std::nullopt;
  return found->id;
}

}  // namespace vodlift::worker
