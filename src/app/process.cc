#include "app/process.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

#include "base/file.h"

namespace vodlift::app {
namespace {

void require(bool done, std::string_view what) {
  if (!done) throw std::runtime_error(fmt::format("cannot {}: {}", what, errno_text(errno)));
}

bool may_be_debugged() {
#ifdef VODLIFT_DEBUG_BUILD
  return std::getenv("VODLIFT_DEBUGGER") != nullptr;
#else
  return false;
#endif
}

sigset_t stop_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  return set;
}

sigset_t awaited_signals() {
  sigset_t set = stop_signals();
  ::sigaddset(&set, SIGHUP);
  return set;
}

// How long an allocation waits for memory before it fails: others may give some back meanwhile.
constexpr std::chrono::milliseconds kPatience{200};
constexpr std::chrono::milliseconds kBetweenTries{5};

// Called by operator new where there is no memory; when it returns, operator new tries again.
void wait_for_memory() {
  using std::chrono::steady_clock;
  thread_local steady_clock::time_point since{};
  thread_local steady_clock::time_point last{};
  const auto now = steady_clock::now();
  if (now - last > 10 * kBetweenTries) since = now;  // the last shortage is over
  last = now;
  if (now - since > kPatience) throw std::bad_alloc();
  std::this_thread::sleep_for(kBetweenTries);
}

// Runs inside a signal handler: only async-signal-safe calls.
void end_process(int) {
  constexpr std::string_view kMessage = "vodlift: ended at once; the next start resumes the uploads\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kMessage.data(), kMessage.size());
  ::_exit(1);
}

}  // namespace

void prepare_process() {
  std::set_new_handler(wait_for_memory);
  ::umask(077);
  if (!may_be_debugged()) require(::prctl(PR_SET_DUMPABLE, 0) == 0, "close the process to debuggers");
  const rlimit no_core{0, 0};
  require(::setrlimit(RLIMIT_CORE, &no_core) == 0, "turn core dumps off");
  require(::signal(SIGPIPE, SIG_IGN) != SIG_ERR, "ignore SIGPIPE");
  // A file-size limit must be a write that fails, which the queue answers for, and not the end of the process.
  require(::signal(SIGXFSZ, SIG_IGN) != SIG_ERR, "ignore SIGXFSZ");
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    // Fewer open files are no reason not to start.
    [[maybe_unused]] const int raised = ::setrlimit(RLIMIT_NOFILE, &files);
  }
}

std::size_t open_files_limit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return 0;
  return static_cast<std::size_t>(files.rlim_cur);
}

StopSignals::StopSignals() {
  const sigset_t set = awaited_signals();
  errno = ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  require(errno == 0, "hold signals back");
}

StopSignals::Event StopSignals::wait_for(std::chrono::seconds time) {
  const sigset_t set = awaited_signals();
  const timespec limit{time.count(), 0};
  const int signal = ::sigtimedwait(&set, nullptr, &limit);
  if (signal <= 0) return Event::none;
  return signal == SIGHUP ? Event::reload : Event::stop;
}

void StopSignals::end_process_on_next(std::chrono::seconds deadline) {
  struct sigaction action = {};
  action.sa_handler = end_process;
  for (const int signal : {SIGTERM, SIGINT, SIGALRM}) ::sigaction(signal, &action, nullptr);
  ::alarm(static_cast<unsigned>(std::max<std::chrono::seconds::rep>(deadline.count(), 1)));
  const sigset_t set = stop_signals();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

bool FileWatch::changed() {
  auto now = look();
  const bool differ = now != seen_;
  seen_ = std::move(now);
  return differ;
}

std::vector<FileWatch::Mark> FileWatch::look() const {
  std::vector<Mark> marks;
  for (const auto& file : files_) {
    struct stat found {};
    const bool there = ::stat(file.c_str(), &found) == 0;
    marks.push_back(there ? Mark{static_cast<std::int64_t>(found.st_ino), found.st_size, found.st_mtim.tv_sec,
                                 found.st_mtim.tv_nsec, found.st_ctim.tv_sec, found.st_ctim.tv_nsec}
                          : Mark{});
  }
  return marks;
}

}  // namespace vodlift::app
