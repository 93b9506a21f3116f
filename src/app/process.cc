#include "app/process.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <iterator>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "base/encoding.h"
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

constexpr std::size_t kMaxStatBytes = 4096;

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

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "vodlift";
  return printable(name.data());
}

std::size_t open_files_limit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return 0;
  return static_cast<std::size_t>(files.rlim_cur);
}

ProcessUsage process_usage() {
  ProcessUsage usage;
  // Behind the name, which may have spaces, in parentheses: state, and 49 numbers.
  const auto text = read_small_file("/proc/self/stat", kMaxStatBytes);
  const std::size_t name = text ? text->rfind(')') : std::string::npos;
  if (name != std::string::npos) {
    std::istringstream rest(text->substr(name + 2));
    const std::vector<std::string> fields{std::istream_iterator<std::string>(rest), {}};
    const auto number = [&](std::size_t at) { return at < fields.size() ? std::atoll(fields[at].c_str()) : 0; };
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    usage.cpu_seconds = static_cast<double>(number(11) + number(12)) / ticks;
    usage.threads = number(17);
    usage.virtual_bytes = number(20);
    usage.resident_bytes = number(21) * ::sysconf(_SC_PAGESIZE);
    timespec now{};
    timespec up{};
    if (::clock_gettime(CLOCK_REALTIME, &now) == 0 && ::clock_gettime(CLOCK_BOOTTIME, &up) == 0) {
      usage.start_time =
          std::round(static_cast<double>(now.tv_sec - up.tv_sec) + static_cast<double>(number(19)) / ticks);
    }
  }
  std::error_code error;
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end; at.increment(error)) {
    ++usage.open_files;
  }
  return usage;
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
