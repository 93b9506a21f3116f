// What the daemon asks of the operating system for the whole process.
#pragma once

#include <chrono>

namespace vodlift::app {

// No core dumps and no debugger of the same user (secrets lie in memory), files for the owner only, broken connections
// as errors instead of SIGPIPE, a file-size limit is a failed write, and as many open files as the hard limit allows.
// Call first of all.
void prepare_process();

// SIGTERM and SIGINT, which end the process, and SIGHUP, which asks it to read its files again; taken by whoever waits
// for them. One thread.
class StopSignals {
 public:
  // Holds the signals back in this thread and in all it starts from now on: construct before any other thread.
  StopSignals();

  enum class Event { stop, reload, none };

  // Returns when one of the signals has come, or when `time` is over: none.
  Event wait_for(std::chrono::seconds time);

  // From now on another signal, or the passing of `deadline` (whole seconds, at least one), ends the process at once
  // with exit code 1, without another word to anything it holds. Call on the thread that waited.
  void end_process_on_next(std::chrono::seconds deadline);
};

}  // namespace vodlift::app
