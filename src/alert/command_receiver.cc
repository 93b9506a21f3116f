#include "alert/command_receiver.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <memory>

#include "alert/alert_body.h"
#include "base/encoding.h"
#include "base/file.h"

namespace vodlift::alert {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kShownOutputBytes = 200;
constexpr std::size_t kKeptOutputBytes = 4096;
constexpr int kLookMs = 50;
constexpr std::string_view kPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

Outcome not_run(std::string_view what, int error_number) {
  return {.text = fmt::format("cannot be run: {}: {}", what, errno_text(error_number))};
}

// A file in memory, so that nobody waits for a program that does not read.
UniqueFd file_of(std::string_view input) {
  UniqueFd file(::memfd_create("alert", MFD_CLOEXEC));
  while (file.valid() && !input.empty()) {
    const ssize_t written = ::write(file.get(), input.data(), input.size());
    if (written <= 0) return {};
    input.remove_prefix(static_cast<std::size_t>(written));
  }
  if (file.valid()) ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  // posix_spawn() takes them as they are for programs of old, and writes to none.
  for (const std::string& one : texts) pointers.push_back(const_cast<char*>(one.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// How a program starts: these three descriptors, its own process group, no signal blocked or ignored.
class SpawnRules {
 public:
  SpawnRules(int input, int output) {
    ::posix_spawn_file_actions_init(&files_);
    ::posix_spawn_file_actions_adddup2(&files_, input, 0);
    ::posix_spawn_file_actions_adddup2(&files_, output, 1);
    ::posix_spawn_file_actions_adddup2(&files_, output, 2);
    ::posix_spawn_file_actions_addclosefrom_np(&files_, 3);
    ::posix_spawn_file_actions_addchdir_np(&files_, "/");
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  SpawnRules(const SpawnRules&) = delete;
  SpawnRules& operator=(const SpawnRules&) = delete;
  ~SpawnRules() {
    ::posix_spawn_file_actions_destroy(&files_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  [[nodiscard]] const posix_spawn_file_actions_t* files() const { return &files_; }
  [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

// What has come so far; the rest beyond kKeptOutputBytes is dropped. False: no more can come.
bool take_output(int pipe, std::string& output) {
  std::array<char, 4096> buffer{};
  const ssize_t size = ::read(pipe, buffer.data(), buffer.size());
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  if (size == 0) return false;
  output.append(buffer.data(), std::min(static_cast<std::size_t>(size), kKeptOutputBytes - output.size()));
  return true;
}

// It has ended, but its number is not free for another process before somebody takes its exit code.
bool has_ended(pid_t process) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(process), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == process;
}

// Whether it ended by itself.
bool wait_for_end(pid_t process, int pipe, milliseconds limit, const std::atomic<bool>& stop, std::string& output) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  bool open = true;
  while (!has_ended(process)) {
    if (stop || std::chrono::steady_clock::now() >= deadline) return false;
    pollfd waiting{open ? pipe : -1, POLLIN, 0};
    if (::poll(&waiting, 1, kLookMs) > 0) open = take_output(pipe, output);
  }
  if (open) (void)take_output(pipe, output);
  return true;
}

Outcome outcome_of_status(int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {.delivered = true, .text = "exit code 0"};
  if (WIFEXITED(status)) return {.text = fmt::format("exit code {}", WEXITSTATUS(status))};
  return {.text = fmt::format("ended by signal {}", WTERMSIG(status))};
}

std::vector<std::string> environment_of(const AlertMessage& message, const std::string& server) {
  return {std::string(kPath),
          fmt::format("VODLIFT_ALERT_STATE={}", kAlertStates.word(message.state)),
          fmt::format("VODLIFT_ALERT_ACTION={}", action_of(message.state)),
          "VODLIFT_ALERT_KEY=" + message.cause.key,
          "VODLIFT_ALERT_CODE=" + message.cause.code,
          "VODLIFT_ALERT_SEVERITY=" + message.cause.severity,
          "VODLIFT_ALERT_TITLE=" + message.cause.title,
          "VODLIFT_ALERT_SERVER=" + server};
}

}  // namespace

Outcome run_command(const std::vector<std::string>& words, std::string_view input,
                    const std::vector<std::string>& environment, milliseconds limit, const std::atomic<bool>& stop) {
  const UniqueFd in = file_of(input);
  if (!in.valid()) return not_run("memfd_create", errno);
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return not_run("pipe", errno);
  const UniqueFd pipe(ends[0]);
  UniqueFd out(ends[1]);
  ::fcntl(pipe.get(), F_SETFL, O_NONBLOCK);
  const SpawnRules rules(in.get(), out.get());
  pid_t process = 0;
  const int failed = ::posix_spawn(&process, words.front().c_str(), rules.files(), rules.attributes(),
                                   pointers_to(words).data(), pointers_to(environment).data());
  if (failed != 0) return not_run("posix_spawn", failed);
  out.reset();
  std::string output;
  const bool by_itself = wait_for_end(process, pipe.get(), limit, stop, output);
  ::kill(-process, SIGKILL);  // what it started as well
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  Outcome outcome = by_itself ? outcome_of_status(status)
                              : Outcome{.text = fmt::format("killed: it had not ended after {} s",
                                                            std::chrono::ceil<std::chrono::seconds>(limit).count())};
  outcome.output = printable(output, kShownOutputBytes);
  return outcome;
}

CommandReceiver::CommandReceiver(Command command)
    : command_(std::move(command)), name_(std::filesystem::path(command_.words.front()).filename().string()) {}

CommandReceiver::~CommandReceiver() {
  stopping_ = true;
  pool_.stop();
}

void CommandReceiver::send(const AlertMessage& message, Done done) {
  const auto shared = std::make_shared<Done>(std::move(done));
  const bool posted = pool_.post([this, message, shared] {
    (*shared)(run_command(command_.words, body_of("json", message, command_.server) + "\n",
                          environment_of(message, command_.server), command_.limit, stopping_));
  });
  if (!posted) (*shared)({.text = "it is busy"});
}

}  // namespace vodlift::alert
