#include "base/surely_called.h"

#include <gtest/gtest.h>

#include <optional>

#include "base/no_memory_test.h"

namespace vodlift {
namespace {

using Done = std::function<void(Result<int>)>;

TEST(SurelyCalled, PassesTheFirstAnswerOn) {
  int calls = 0;
  const Done note = [&](Result<int> answer) {
    ++calls;
    EXPECT_EQ(*answer, 7);
  };
  {
    const Done done = surely_called<int>(note, Errc::internal);
    const Done copy = done;
    copy(7);
    done(Error{Errc::network, "late"});
  }
  EXPECT_EQ(calls, 1);
}

TEST(SurelyCalled, AnswersWhereAllCopiesAreGone) {
  std::optional<Errc> told;
  const Done note = [&](Result<int> answer) { told = answer.error().code; };
  {
    const Done done = surely_called<int>(note, Errc::interrupted);
    const Done copy = done;
  }
  EXPECT_EQ(told, Errc::interrupted);
}

// Whoever repeats the call after an exception must not get two answers.
TEST(SurelyCalled, IsNotCalledWhereItCouldNotBeMade) {
  int made = 0;
  int calls = 0;
  const Done note = [&](const Result<int>&) { ++calls; };
  where_memory_ends(
      [&] {
        const Done done = surely_called<int>(note, Errc::internal);
        ++made;
      },
      [&] { EXPECT_EQ(calls, made); });
  EXPECT_EQ(made, 1);
}

}  // namespace
}  // namespace vodlift
