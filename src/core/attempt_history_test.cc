#include "core/attempt_history.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

UploadAttempt run(AttemptEnd how, int number = 1, std::optional<Errc> code = std::nullopt) {
  UploadAttempt attempt;
  attempt.number = number;
  attempt.how = how;
  attempt.last_byte = 10;
  if (code) attempt.error = UploadError{*code, "it did not work", true};
  return attempt;
}

TEST(EndOfRun, ARunThatIsGivenBackWaitsOrIsContinued) {
  EXPECT_EQ(end_of_run(Requeue{}, UploadState::queued, false), AttemptEnd::interrupted);
  EXPECT_EQ(end_of_run(Requeue{.delay = std::chrono::seconds(1)}, UploadState::queued, false), AttemptEnd::requeued);
  EXPECT_EQ(end_of_run(Requeue{.failed_attempt = true}, UploadState::queued, false), AttemptEnd::requeued);
  EXPECT_EQ(end_of_run(Requeue{}, UploadState::paused, false), AttemptEnd::paused);
  EXPECT_EQ(end_of_run(Requeue{}, UploadState::cancelled, false), AttemptEnd::cancelled);
  EXPECT_EQ(end_of_run(Requeue{}, UploadState::cancelled, true), AttemptEnd::crashed);
}

TEST(KeepAttempt, OnlyWhatTellsSomething) {
  EXPECT_EQ(keep_attempt({}, run(AttemptEnd::completed)), KeepAttempt::nothing);
  EXPECT_EQ(keep_attempt({}, run(AttemptEnd::completed, 2)), KeepAttempt::apart);
  EXPECT_EQ(keep_attempt(run(AttemptEnd::interrupted), run(AttemptEnd::completed)), KeepAttempt::apart);
  UploadAttempt unbegun = run(AttemptEnd::interrupted);
  unbegun.last_byte = unbegun.first_byte;
  EXPECT_EQ(keep_attempt({}, unbegun), KeepAttempt::nothing);
  EXPECT_EQ(keep_attempt({}, run(AttemptEnd::interrupted)), KeepAttempt::apart);
}

TEST(KeepAttempt, RunsOfOneAttemptThatEndedAlikeAreMerged) {
  const auto last = run(AttemptEnd::requeued, 1, Errc::network);
  EXPECT_EQ(keep_attempt(last, run(AttemptEnd::requeued, 1, Errc::network)), KeepAttempt::merged);
  EXPECT_EQ(keep_attempt(last, run(AttemptEnd::requeued, 1)), KeepAttempt::merged) << "it says nothing new";
  EXPECT_EQ(keep_attempt(last, run(AttemptEnd::requeued, 1, Errc::timeout)), KeepAttempt::apart);
  EXPECT_EQ(keep_attempt(last, run(AttemptEnd::requeued, 2, Errc::network)), KeepAttempt::apart);
  EXPECT_EQ(keep_attempt(last, run(AttemptEnd::crashed)), KeepAttempt::apart);
  UploadAttempt next = run(AttemptEnd::requeued, 1);
  next.last_byte = 30;
  const UploadAttempt joined = join(last, next);
  EXPECT_EQ(joined.times, 2);
  EXPECT_EQ(joined.last_byte, 30);
  EXPECT_EQ(joined.error->code, Errc::network);
}

TEST(MakeRoom, InterruptionsGoFirst) {
  std::vector<UploadAttempt> kept(kKeptAttempts, run(AttemptEnd::requeued));
  make_room(kept);
  EXPECT_EQ(std::ssize(kept), kKeptAttempts);
  kept.insert(kept.begin() + 5, run(AttemptEnd::interrupted));
  make_room(kept);
  EXPECT_EQ(std::ssize(kept), kKeptAttempts);
  EXPECT_EQ(std::ranges::count(kept, AttemptEnd::interrupted, &UploadAttempt::how), 0);
  kept.push_back(run(AttemptEnd::failed, 9));
  make_room(kept);
  EXPECT_EQ(std::ssize(kept), kKeptAttempts);
  EXPECT_EQ(kept.back().number, 9);
}

}  // namespace
}  // namespace vodlift
