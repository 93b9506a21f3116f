#include "app/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

namespace vodlift::app {
namespace {

#ifdef VODLIFT_DEBUG_BUILD
constexpr int kDumpableOnRequest = 1;
#else
constexpr int kDumpableOnRequest = 0;
#endif

bool prepared() {
  rlimit core{1, 1};
  rlimit files{};
  ::getrlimit(RLIMIT_CORE, &core);
  ::getrlimit(RLIMIT_NOFILE, &files);
  const bool owner_only = ::umask(0) == 077;
  const bool sigpipe_ignored = ::signal(SIGPIPE, SIG_DFL) == SIG_IGN;
  return ::prctl(PR_GET_DUMPABLE) == 0 && core.rlim_cur == 0 && core.rlim_max == 0 &&
         files.rlim_cur == files.rlim_max && owner_only && sigpipe_ignored;
}

// Each test body runs in a process of its own and leaves it with _exit, because its settings would affect all other
// tests.
TEST(ProcessDeathTest, PreparesTheProcess) {
  const auto body = [] {
    prepare_process();
    ::_exit(prepared() ? 0 : 9);
  };
  EXPECT_EXIT(body(), testing::ExitedWithCode(0), "");
}

TEST(ProcessDeathTest, OnlyADebugBuildAdmitsADebuggerOnRequest) {
  const auto body = [] {
    ::setenv("VODLIFT_DEBUGGER", "1", 1);
    prepare_process();
    ::_exit(::prctl(PR_GET_DUMPABLE));
  };
  EXPECT_EXIT(body(), testing::ExitedWithCode(kDumpableOnRequest), "");
}

TEST(ProcessDeathTest, WaitsForASignalThatCameBefore) {
  for (const int signal : {SIGTERM, SIGINT}) {
    const auto body = [signal] {
      StopSignals signals;
      ::kill(::getpid(), signal);
      signals.wait_for(std::chrono::seconds(60));
      ::_exit(7);
    };
    EXPECT_EXIT(body(), testing::ExitedWithCode(7), "");
  }
}

TEST(ProcessDeathTest, WaitsForASignalNoLongerThanAsked) {
  const auto body = [] {
    StopSignals signals;
    const bool early = signals.wait_for(std::chrono::seconds(0)) != StopSignals::Event::none;
    ::kill(::getpid(), SIGTERM);
    ::_exit(!early && signals.wait_for(std::chrono::seconds(60)) == StopSignals::Event::stop ? 7 : 9);
  };
  EXPECT_EXIT(body(), testing::ExitedWithCode(7), "");
}

TEST(ProcessDeathTest, DistinguishesReloadFromStop) {
  const auto body = [] {
    StopSignals signals;
    ::kill(::getpid(), SIGHUP);
    ::_exit(signals.wait_for(std::chrono::seconds(60)) == StopSignals::Event::reload ? 7 : 9);
  };
  EXPECT_EXIT(body(), testing::ExitedWithCode(7), "");
}

TEST(ProcessDeathTest, EndsAtOnceOnTheSecondSignal) {
  const auto body = [] {
    StopSignals signals;
    ::kill(::getpid(), SIGTERM);
    signals.wait_for(std::chrono::seconds(60));
    signals.end_process_on_next(std::chrono::seconds(60));
    ::kill(::getpid(), SIGINT);
    ::_exit(9);
  };
  EXPECT_EXIT(body(), testing::ExitedWithCode(1), "ended at once; the next start resumes the uploads");
}

TEST(ProcessDeathTest, EndsAtOnceWhenTheStopTakesTooLong) {
  const auto body = [] {
    StopSignals signals;
    signals.end_process_on_next(std::chrono::seconds(60));
    ::kill(::getpid(), SIGALRM);
    ::_exit(9);
  };
  EXPECT_EXIT(body(), testing::ExitedWithCode(1), "ended at once");
}

TEST(FileWatch, NoticesWhatIsWrittenReplacedAndGone) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / std::to_string(::getpid());
  std::filesystem::create_directory(folder);
  const auto file = folder / "a";
  const auto other = folder / "b";
  std::ofstream(file) << "1";
  FileWatch watch({file, folder / "missing"});
  EXPECT_FALSE(watch.changed());
  std::ofstream(file, std::ios::app) << "2";
  EXPECT_TRUE(watch.changed());
  EXPECT_FALSE(watch.changed());
  std::ofstream(other) << "12";
  std::filesystem::rename(other, file);
  EXPECT_TRUE(watch.changed());
  std::filesystem::remove(file);
  EXPECT_TRUE(watch.changed());
  EXPECT_FALSE(watch.changed());
  std::ofstream(folder / "missing") << "";
  EXPECT_TRUE(watch.changed());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace vodlift::app
