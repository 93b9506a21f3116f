#include "core/upload_decisions.h"

#include <gtest/gtest.h>

#include <map>
#include <tuple>

namespace vodlift {
namespace {

using State = UploadState;
using Step = ChangeStep;
using Refusal = ChangeRefusal;

constexpr std::array kStates = {State::queued,    State::paused, State::uploading,
                                State::completed, State::failed, State::cancelled};
constexpr std::array kChanges = {UploadChange::cancel, UploadChange::pause, UploadChange::resume, UploadChange::retry,
                                 UploadChange::set_priority};
constexpr std::array kWanted = {Wanted::nothing, Wanted::pause, Wanted::cancel};

// Every state, and for `uploading` everything that can be wanted, with its answers to cancel, pause, resume, retry,
// set_priority.
struct Row {
  State state;
  Wanted wanted;
  std::array<std::variant<Step, Refusal>, kChanges.size()> answers;
};
const std::array kTable = {
    Row{State::queued,
        Wanted::nothing,
        {Step::cancel, Step::pause, Refusal::is_not_paused, Step::run_now, Step::prioritize}},
    Row{State::paused,
        Wanted::nothing,
        {Step::cancel, Refusal::is_paused, Step::resume, Refusal::is_paused, Step::prioritize}},
    Row{State::uploading,
        Wanted::nothing,
        {Step::want_cancel, Step::want_pause, Refusal::is_not_paused, Refusal::is_running, Step::prioritize}},
    Row{State::uploading,
        Wanted::pause,
        {Step::want_cancel, Step::want_pause, Step::want_nothing, Refusal::is_running, Step::prioritize}},
    Row{State::uploading,
        Wanted::cancel,
        {Step::want_cancel, Refusal::is_cancelling, Refusal::is_not_paused, Refusal::is_running,
         Refusal::is_cancelling}},
    Row{State::completed,
        Wanted::nothing,
        {Refusal::has_ended, Refusal::has_ended, Refusal::has_ended, Refusal::is_completed, Refusal::has_ended}},
    Row{State::failed,
        Wanted::nothing,
        {Refusal::has_ended, Refusal::has_ended, Refusal::has_ended, Refusal::ended_just_now, Refusal::has_ended}},
    Row{State::cancelled,
        Wanted::nothing,
        {Refusal::has_ended, Refusal::has_ended, Refusal::has_ended, Refusal::ended_just_now, Refusal::has_ended}},
};

std::string name_of(State state, Wanted wanted, UploadChange change) {
  return std::string(to_string(change)) + " of " + std::string(to_string(state)) + " '" +
         std::string(to_string(wanted)) + "'";
}

TEST(UploadDecisions, EveryChangeOfEveryStateIsDecided) {
  for (const Row& row : kTable) {
    for (std::size_t i = 0; i < kChanges.size(); ++i) {
      EXPECT_EQ(decide_change(row.state, row.wanted, kChanges.at(i)), row.answers.at(i))
          << name_of(row.state, row.wanted, kChanges.at(i));
    }
  }
}

TEST(UploadDecisions, WhatIsWantedCountsOnlyWhileUploading) {
  for (const State state : kStates) {
    if (state == State::uploading) continue;
    for (const UploadChange change : kChanges) {
      for (const Wanted wanted : kWanted) {
        EXPECT_EQ(decide_change(state, wanted, change), decide_change(state, Wanted::nothing, change))
            << name_of(state, wanted, change);
      }
    }
  }
}

TEST(UploadDecisions, EveryStepIsALegalMove) {
  const std::map<Step, State> ends = {
      {Step::cancel, State::cancelled}, {Step::pause, State::paused}, {Step::resume, State::queued}};
  for (const State state : kStates) {
    for (const Wanted wanted : kWanted) {
      for (const UploadChange change : kChanges) {
        const auto decision = decide_change(state, wanted, change);
        const Step* step = std::get_if<Step>(&decision);
        if (step == nullptr) continue;
        const std::string name = name_of(state, wanted, change);
        if (const auto end = ends.find(*step); end != ends.end()) {
          EXPECT_TRUE(may_move(state, end->second)) << name;
        } else if (*step == Step::prioritize) {
          EXPECT_FALSE(is_end(state)) << name;
        } else {
          EXPECT_EQ(state, *step == Step::run_now ? State::queued : State::uploading) << name;
        }
      }
    }
  }
}

TEST(UploadDecisions, WhatTheClientWantsBecomesOfAnUploadThatIsGivenBack) {
  EXPECT_EQ(decide_requeue(Wanted::nothing), State::queued);
  EXPECT_EQ(decide_requeue(Wanted::pause), State::paused);
  EXPECT_EQ(decide_requeue(Wanted::cancel), State::cancelled);
}

TEST(UploadDecisions, RepeatedCrashesFailOnlyWhatNobodyWantsOtherwise) {
  for (const Wanted wanted : kWanted) {
    EXPECT_EQ(decide_rescue(wanted, 1, 3), decide_requeue(wanted));
    EXPECT_EQ(decide_rescue(wanted, 2, 3), decide_requeue(wanted));
  }
  for (const int crashes : {3, 4}) {
    EXPECT_EQ(decide_rescue(Wanted::nothing, crashes, 3), State::failed);
    EXPECT_EQ(decide_rescue(Wanted::pause, crashes, 3), State::paused);
    EXPECT_EQ(decide_rescue(Wanted::cancel, crashes, 3), State::cancelled);
  }
  EXPECT_EQ(crashed_repeatedly(3).code, Errc::crashed_repeatedly);
  EXPECT_NE(crashed_repeatedly(3).message.find("3 times"), std::string::npos);
}

TEST(UploadDecisions, WantedHasAWordForTheDatabase) {
  for (const Wanted wanted : kWanted) EXPECT_EQ(wanted_from(to_string(wanted)), wanted);
  EXPECT_EQ(to_string(Wanted::nothing), "");
  EXPECT_EQ(wanted_from("resume"), std::nullopt);
}

TEST(UploadErrorText, FaultsOfTheServerAreForItsOperator) {
  for (const Errc code : {Errc::internal, Errc::config_invalid, Errc::locked, Errc::io_error, Errc::store_failed,
                          Errc::store_corrupt, Errc::seal_broken}) {
    const UploadError kept = upload_error({code, "database /srv/v.db: broken", "SQLite 11"});
    EXPECT_EQ(kept.code, code);
    EXPECT_EQ(kept.retryable, info(code).retryable);
    EXPECT_EQ(kept.message.find("/srv"), std::string::npos);
    EXPECT_EQ(kept.detail, "database /srv/v.db: broken (SQLite 11)");
  }
}

TEST(UploadErrorText, OtherErrorsKeepBothTexts) {
  const UploadError kept = upload_error({Errc::s3_credential, "no usable credentials", "profile x"});
  EXPECT_EQ(kept.message, "no usable credentials");
  EXPECT_EQ(kept.detail, "profile x");
}

}  // namespace
}  // namespace vodlift
