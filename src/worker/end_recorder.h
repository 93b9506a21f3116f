// Records the ends of completed uploads while those who ran them go on with the next.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "worker/active_run.h"

namespace vodlift::worker {

// Hands each end to WorkQueue::finish_soon(), so that many share a commit, and again every kBetweenRecordings as long
// as the database takes no changes and the run is not told to end; then there is one last try. Tells the log.
// Internally locked; start() and stop() from one thread.
class EndRecorder {
 public:
  // Called once for each, on the recorder's thread: there is nothing left to do for it.
  using Settled = std::function<void(const ActiveRun&)>;

  // `most`: ends, from 1, that may be on their way at once. Everything given must outlive it.
  EndRecorder(WorkQueue& queue, std::size_t most, Settled settled);
  EndRecorder(const EndRecorder&) = delete;
  EndRecorder& operator=(const EndRecorder&) = delete;
  // Like stop().
  ~EndRecorder();

  void start();
  // Returns when all that was given is settled; nothing may be given any more.
  void stop();

  // Has `ending` recorded. Waits for room only.
  void record(std::shared_ptr<ActiveRun> run, UploadEnding ending);

 private:
  struct End {
    std::shared_ptr<ActiveRun> run;
    UploadEnding ending;
    bool last_try = false;
    Result<> outcome{};
  };

  void loop();
  void hand_over(const std::shared_ptr<End>& end);
  void answered(const std::shared_ptr<End>& end, Result<> outcome);
  void settle(const End& end);

  WorkQueue& queue_;
  const std::size_t most_;
  const Settled settled_;

  std::mutex mutex_;              // guards all below
  std::condition_variable news_;  // for the thread
  std::condition_variable room_;
  bool stopping_ = false;
  std::size_t unsettled_ = 0;
  std::vector<std::shared_ptr<End>> answered_;
  std::vector<std::shared_ptr<End>> refused_;  // to be handed over again
  std::chrono::steady_clock::time_point again_;
  std::thread thread_;
};

}  // namespace vodlift::worker
