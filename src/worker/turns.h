// Which uploads get the slots: how many are claimed, and when a large one must yield to others.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "core/work_queue.h"

namespace vodlift::worker {

// How many uploads a node claims beyond its slots. While runs are short, a slot that becomes free finds the next upload
// claimed already, and one claim, which is one commit, serves many slots. One thread at a time.
class ClaimAhead {
 public:
  explicit ClaimAhead(int slots) : slots_(slots) {}

  // How many more uploads may be claimed if `taken` are claimed and unfinished. While runs are short: 0 until at
  // least half as many as there are slots can be claimed.
  [[nodiscard]] int places(int taken) const;
  // A run took this long; kShortRun or more ends claiming ahead.
  void ran(std::chrono::milliseconds took) { last_run_ = took; }
  // Nothing is claimed ahead until a short run ends.
  void stop() { last_run_ = kShortRun; }

  static constexpr std::chrono::milliseconds kShortRun{500};

 private:
  const int slots_;
  std::chrono::milliseconds last_run_ = kShortRun;
};

// A running upload.
struct RunningTurn {
  UploadId id = 0;
  AccountId account = 0;
  int priority = 0;
  int weight = kDefaultWeight;
  bool large = false;   // a small one never has to yield
  bool ending = false;  // it was told to end already
  std::chrono::milliseconds since_begin{0};
};

// How many of `uploads` places large uploads may have. A quarter, and at least one if there are several, is kept for
// small uploads.
int places_for_large(int uploads);

// Picks the large upload that must yield, if any. It has run for `turn`, and an upload waits that has a stronger claim:
// one of higher priority, or of an account that has fewer running uploads, by weight. Picks the weakest claim if
// several must yield. Picks none if every waiting upload fits into `free`. Picks none either while a large upload that
// was told to end still runs: its last parts may take long, and its place must be filled first.
std::optional<UploadId> who_yields(const std::vector<RunningTurn>& running, const std::vector<Candidate>& ready,
                                   const Places& free, std::chrono::milliseconds turn);

}  // namespace vodlift::worker
