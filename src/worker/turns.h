// Which uploads get the slots: how many are claimed, and when a large one must yield to others.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/work_queue.h"

namespace vodlift::worker {

// How many uploads a node claims beyond its slots. While runs are short, a slot that becomes free finds the next upload
// claimed already, and one claim, which is one commit, serves many slots. One thread at a time.
class ClaimAhead {
 public:
  explicit ClaimAhead(int slots) : slots_(slots) {}

  void use(int slots) { slots_ = slots; }

  // How many more uploads may be claimed if `taken` are claimed and unfinished. While runs are short: 0 until at
  // least half as many as there are slots can be claimed.
  [[nodiscard]] int places(int taken) const;
  // A run took this long; kShortRun or more ends claiming ahead.
  void ran(std::chrono::milliseconds took) { last_run_ = took; }
  // Nothing is claimed ahead until a short run ends.
  void stop() { last_run_ = kShortRun; }
  [[nodiscard]] bool runs_are_short() const { return last_run_ < kShortRun; }

  static constexpr std::chrono::milliseconds kShortRun{500};

 private:
  int slots_;
  std::chrono::milliseconds last_run_ = kShortRun;
};

// A running upload.
struct RunningTurn {
  UploadId id = 0;
  AccountId account = 0;
  int priority = 0;
  int weight = kDefaultWeight;
  bool large = false;   // it needs a place for large uploads
  bool ending = false;  // it was told to end already
  std::chrono::milliseconds since_begin{0};
  bool in_parts = true;  // one that is sent in one request never has to yield: nothing of it would be kept
  int fruitless = 0;     // turns in a row in which it got no further; each doubles the next turn
};

// A turn is never longer than 2 to this power of the usual one, however many were fruitless: a part of 8 MiB is through
// in sixteen turns of 30 s even at the least rate that a store may have.
inline constexpr int kMostDoublings = 4;

// Spare places are for uploads whose bucket has nothing running while others hold all places: whatever one account, one
// bucket or one endpoint does, another's upload begins. Where there is one place only, there is no spare one.
inline constexpr int kSparePlaces = 2;
int spare_places(int uploads);

// An upload that holds a place.
struct Holder {
  AccountId account = 0;
  std::string bucket;
  std::string endpoint;
  bool spare = false;
};

// What a choice for a spare place goes by.
struct SpareQuery {
  std::vector<Holder> holders;
  Places free;              // of the usual places: a kind that has one needs no spare one
  int uploads = 8;          // how many usual places there are
  AccountId last_turn = 0;  // the account that had a spare place last: the next one of the same priority is first
  std::function<std::string(AccountId account, const std::string& bucket)> endpoint_of;  // empty: not known
};

// Picks from `ready`, which names the buckets, the upload that may have a spare place: its bucket holds no place, its
// account holds no spare one, and its endpoint does not hold all places with the last spare one. The highest priority
// comes first.
std::optional<FairShare::Pick> pick_for_spare_place(const Candidates& ready, const SpareQuery& query);

// How many of `uploads` places large uploads may have. A quarter, and at least one if there are several, is kept for
// small uploads.
int places_for_large(int uploads);

// Picks the upload in parts that must yield, if any. It has run for its turn, and an upload waits that has a stronger
// claim: one of higher priority, or of an account that has fewer running uploads, by weight. Picks the weakest claim if
// several must yield. Picks none if every waiting upload fits into `free`. Picks none either while an upload that was
// told to yield still runs: its place must be filled first.
std::optional<UploadId> who_yields(const std::vector<RunningTurn>& running, const std::vector<Candidate>& ready,
                                   const Places& free, std::chrono::milliseconds turn);

}  // namespace vodlift::worker
