// What the daemon asks of the operating system for the whole process: limits, signals, changes of files.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace vodlift::app {

// No core dumps and no debugger of the same user (secrets lie in memory; a debug build admits a debugger if
// VODLIFT_DEBUGGER is set in the environment), files for the owner only, broken connections as errors instead of
// SIGPIPE, an allocation that waits a moment for memory, a file-size limit is a failed write, and as many open files as
// the hard limit allows. Call first of all.
void prepare_process();

// How many files and connections the process may have open.
std::size_t open_files_limit();

// The name of this machine, printable; "vodlift" where it has none.
std::string host_name();

// What the process uses, as /proc tells it; what cannot be read is 0.
struct ProcessUsage {
  double cpu_seconds = 0;
  double start_time = 0;  // Unix time
  std::int64_t resident_bytes = 0;
  std::int64_t virtual_bytes = 0;
  std::int64_t threads = 0;
  std::int64_t open_files = 0;
};
ProcessUsage process_usage();

// Waits for SIGTERM and SIGINT, which end the process, and for SIGHUP, which asks it to read its files again. One
// thread.
class StopSignals {
 public:
  // Blocks the signals in this thread and in all threads that it starts from now on: construct before any other thread.
  StopSignals();

  enum class Event { stop, reload, none };

  // Returns when one of the signals has come, or when `time` is over: none.
  Event wait_for(std::chrono::seconds time);

  // From now on the process ends at once, with exit code 1 and without cleaning up, when another signal comes or when
  // `deadline` (whole seconds, at least one) is over. Call on the thread that waited.
  void end_process_on_next(std::chrono::seconds deadline);
};

// Notices that files were written or replaced, by size, inode and times; it reads none of them. A file that is missing
// counts as changed when it appears. One thread.
class FileWatch {
 public:
  explicit FileWatch(std::vector<std::filesystem::path> files) : files_(std::move(files)), seen_(look()) {}

  // Whether a file changed since the last call, or since the construction.
  bool changed();

 private:
  using Mark = std::array<std::int64_t, 6>;

  [[nodiscard]] std::vector<Mark> look() const;

  const std::vector<std::filesystem::path> files_;
  std::vector<Mark> seen_;
};

}  // namespace vodlift::app
