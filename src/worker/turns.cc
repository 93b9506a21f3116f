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

int places_for_large(int uploads) { return std::max(1, uploads - std::max(1, uploads / 4)); }

std::optional<UploadId> who_yields(const std::vector<RunningTurn>& running, const std::vector<Candidate>& ready,
                                   const Places& free, std::chrono::milliseconds turn) {
  if (std::ranges::any_of(running, [](const RunningTurn& run) { return run.large && run.ending; })) return std::nullopt;
  const Counts counts(running);
  const auto must_yield = [&](const RunningTurn& run) {
    if (!run.large || run.since_begin < turn) return false;
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
