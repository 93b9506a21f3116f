// Records in the queue how runs ended, and repeats that while the database accepts no changes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>

#include "worker/attempt.h"
#include "worker/lease_keeper.h"

namespace vodlift::worker {

// Where the spans of runs and uploads go.
struct SpanOutput {
  SpanSink* sink = nullptr;  // null: none are wanted
  const Clock* clock = nullptr;
};

// The one way in which a lease is given back. record() returns at once, so that many ends share a commit. If the
// database refuses an end because its disk or queue is full, it is recorded again every kBetweenRecordings until the
// run is told to end (its lease expired, or the node stops); then there is one last try. Each end is logged, and its
// lease released, exactly once. Internally locked.
class EndRecorder {
 public:
  // `share`: only serve() uses it. `most`: from this many ends under way on, wait_for_room() waits; from 1. `wake`:
  // serve() has something to do; called on a thread of the store, must not block. `statistics`: null where none are
  // wanted. Everything given must outlive the recorder.
  EndRecorder(WorkQueue& queue, LeaseKeeper& leases, FairShare& share, std::size_t most, std::function<void()> wake,
              StatisticsCollector* statistics = nullptr, SpanOutput spans = {});

  // Begins to record `end`. Waits only where there is no memory. Any thread.
  void record(std::shared_ptr<const ActiveRun> run, RunEnd end);
  // Waits until fewer than `most` ends are under way.
  void wait_for_room();
  // From now on. Any thread.
  void use(std::size_t most);

  // Logs and releases the ends that the queue has answered, settles the turns of large uploads, and hands over again
  // those that are due by `now`. Returns when it must be called next, unless `wake` comes first. One thread; never
  // waits for the database.
  std::chrono::steady_clock::time_point serve(std::chrono::steady_clock::time_point now);
  // Whether every end that was given is released.
  [[nodiscard]] bool idle() const;

 private:
  struct End {
    std::shared_ptr<const ActiveRun> run;
    RunEnd end;
    bool last_try = false;
    Result<> outcome{};
  };

  // An end moves from list to list, so that none is lost where there is no memory.
  using Ends = std::list<End>;

  void hand_over(Ends::iterator end);
  void answered(Ends::iterator end, Result<> outcome);
  void settle(const End& end) noexcept;

  WorkQueue& queue_;
  LeaseKeeper& leases_;
  FairShare& share_;
  const std::function<void()> wake_;
  StatisticsCollector* const statistics_;
  const SpanOutput spans_;

  mutable std::mutex mutex_;  // guards the next five
  std::size_t most_;
  std::condition_variable room_;
  std::size_t under_way_ = 0;
  Ends handed_over_;
  Ends answered_;

  // Of serve()'s thread: what the database had no room for, to be handed over again at `again_`.
  Ends refused_;
  std::chrono::steady_clock::time_point again_;
};

}  // namespace vodlift::worker
