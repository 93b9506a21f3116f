#include "alert/command_receiver.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <future>

#include "base/file.h"
#include "base/temporary_folder_test.h"

namespace vodlift::alert {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Outcome run_shell(const std::string& script, milliseconds limit = seconds(20), std::string_view input = "") {
  const std::atomic<bool> stop{false};
  return run_command({"/bin/sh", "-c", script}, input, {"PATH=/usr/bin:/bin", "A=b c"}, limit, stop);
}

TEST(RunCommand, GivesInputAndEnvironmentAndNothingElse) {
  ::setenv("SECRET_OF_OURS", "do-not-tell", 1);
  const Outcome outcome = run_shell("cat; echo \"[$A]\"; env | grep -c SECRET; pwd", seconds(20), "hello\n");
  EXPECT_TRUE(outcome.delivered);
  EXPECT_EQ(outcome.text, "exit code 0");
  EXPECT_EQ(outcome.output, "hello\\x0a[b c]\\x0a0\\x0a/\\x0a");
}

TEST(RunCommand, TellsExitCodesSignalsAndWhatCannotRun) {
  EXPECT_EQ(run_shell("exit 7").text, "exit code 7");
  EXPECT_FALSE(run_shell("exit 7").delivered);
  EXPECT_EQ(run_shell("kill -TERM $$").text, "ended by signal 15");
  const std::atomic<bool> stop{false};
  EXPECT_THAT(run_command({"/nonexistent/program"}, "", {}, seconds(1), stop).text, HasSubstr("cannot be run"));
}

TEST(RunCommand, IsKilledWithItsGroupAfterTheLimit) {
  const TemporaryFolder folder;
  const std::string pipe = (folder.path() / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const UniqueFd reader(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const Outcome outcome = run_shell("sleep 30 > " + pipe + " & sleep 30", milliseconds(200));
  EXPECT_FALSE(outcome.delivered);
  EXPECT_THAT(outcome.text, StartsWith("killed: it had not ended after 1 s"));
  // The pipe is at its end when nobody writes to it any more.
  char byte = 0;
  pollfd end{reader.get(), POLLIN, 0};
  if (::read(reader.get(), &byte, 1) != 0) ::poll(&end, 1, 10'000);
  EXPECT_EQ(::read(reader.get(), &byte, 1), 0);
}

TEST(RunCommand, WhatItLeavesBehindEndsWithIt) {
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(run_shell("sleep 30 & echo done").delivered);
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(5));
}

TEST(RunCommand, MayReadNothingAndPrintMuch) {
  EXPECT_TRUE(run_shell("head -c 3000000 /dev/zero", seconds(20), std::string(1'000'000, 'x')).delivered);
}

TEST(CommandReceiver, EndsWhatRunsWhenItGoes) {
  const auto began = std::chrono::steady_clock::now();
  std::promise<Outcome> answered;
  {
    CommandReceiver receiver({{"/bin/sleep", "30"}, seconds(40), "host"});
    EXPECT_EQ(receiver.name(), "sleep");
    receiver.send({}, [&](const Outcome& outcome) { answered.set_value(outcome); });
  }
  EXPECT_FALSE(answered.get_future().get().delivered);
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(5));
}

TEST(CommandReceiver, GivesTheAlert) {
  CommandReceiver receiver({{"/bin/sh", "-c", "read line; echo \"$VODLIFT_ALERT_STATE $VODLIFT_ALERT_CODE\" ${#line}"},
                            seconds(20),
                            "host"});
  std::promise<Outcome> answered;
  AlertMessage message;
  message.cause.code = "storage_gone";
  receiver.send(message, [&](const Outcome& outcome) { answered.set_value(outcome); });
  EXPECT_THAT(answered.get_future().get().output, testing::MatchesRegex("first storage_gone [0-9]{3}.x0a"));
}

}  // namespace
}  // namespace vodlift::alert
