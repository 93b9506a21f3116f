// The threads on which requests run that may block.
#pragma once

#include "base/thread_pool.h"
#include "door/fair_pool.h"

namespace vodlift::app {

// A pool for each way in and each kind of waiting, so that none holds up another. Any thread; stop() of one.
struct Pools {
  Pools();
  Pools(const Pools&) = delete;
  Pools& operator=(const Pools&) = delete;
  ~Pools() { stop(); }

  // Runs what is queued, takes no new jobs, and waits for the threads' end. May be called twice.
  void stop();

  ThreadPool requests;  // of the legacy API
  door::FairPool fair_requests;
  ThreadPool admin;  // of the administration's socket, and the daemon's own upkeep
  ThreadPool panel;  // of the REST API over TCP
  door::FairPool fair_panel;
  ThreadPool sign_in;  // hashes of passwords
  ThreadPool outside;  // of the REST API over TCP, that wait for another host
};

}  // namespace vodlift::app
