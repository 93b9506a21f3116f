// When a large upload that runs has to make room for others: its turn is over, and somebody waits who has a better
// right.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "core/work_queue.h"

namespace vodlift::worker {

// An upload under way.
struct RunningTurn {
  UploadId id = 0;
  AccountId account = 0;
  int priority = 0;
  int weight = kDefaultWeight;
  bool large = false;   // small ones are through before a turn is
  bool ending = false;  // told to end already
  std::chrono::milliseconds since_begin{0};
};

// Of `uploads` places in all, those that large uploads may have: a quarter, at least one of several, is kept for small
// ones.
int places_for_large(int uploads);

// The large upload that is to make room: one that has had `turn` and runs before an upload of higher priority, or
// before one of an account that has less running than its own, by weight. None where what waits could have a place in
// `free`, or nobody has a better right. Of several the least in right. None either while a large one that was told to
// end still runs: its parts under way may take long, and the place that it leaves is to be filled first.
std::optional<UploadId> who_makes_room(const std::vector<RunningTurn>& running, const std::vector<ReadyAccount>& ready,
                                       const Places& free, std::chrono::milliseconds turn);

}  // namespace vodlift::worker
