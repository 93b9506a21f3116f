#include "core/callback_history.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

// Shows callbacks with the ids `from` down to 1, created in the seconds of these numbers.
CallbackSearch search_from(std::int64_t from, const CallbackQuery& query, CallbackState state,
                           const std::string& receiver = "a.example:443") {
  CallbackSearch search(query);
  for (std::int64_t id = from; id > 0; --id) {
    if (!search.look(id, from_unix_ms(id * 1000), state, receiver)) break;
  }
  return search;
}

TEST(CallbackSearch, APageSaysWhereTheNextOneBegins) {
  const auto search = search_from(10, {.limit = 3}, CallbackState::failed);
  EXPECT_EQ(search.ids(), (std::vector<std::int64_t>{10, 9, 8}));
  EXPECT_EQ(search.page().next, 8);
  EXPECT_FALSE(search.page().searched_to);
}

TEST(CallbackSearch, TheLastPageHasNoNextOne) {
  const auto search = search_from(3, {.limit = 3}, CallbackState::failed);
  EXPECT_EQ(search.ids().size(), 3U);
  EXPECT_EQ(search.page().next, 0);
}

TEST(CallbackSearch, SaysHowFarItCameWhereItLookedAtTooMany) {
  const CallbackQuery query{.state = CallbackState::failed};
  const auto search = search_from(kMostCallbacksSearched + 7, query, CallbackState::delivered);
  EXPECT_TRUE(search.ids().empty());
  EXPECT_EQ(search.page().next, 8);
  EXPECT_EQ(search.page().searched_to, from_unix_ms(8000));
}

TEST(CallbackSearch, AllOfAsManyAsItLooksAtIsAll) {
  const CallbackQuery query{.state = CallbackState::failed};
  const auto search = search_from(kMostCallbacksSearched, query, CallbackState::delivered);
  EXPECT_EQ(search.page().next, 0);
  EXPECT_FALSE(search.page().searched_to);
}

TEST(CallbackSearch, AReceiverIsAHostWithOrWithoutItsPort) {
  const auto finds = [](const std::string& asked_for, const std::string& receiver) {
    return !search_from(1, {.receiver = asked_for}, CallbackState::pending, receiver).ids().empty();
  };
  EXPECT_TRUE(finds("A.example", "a.example:443"));
  EXPECT_TRUE(finds("a.example:443", "a.example:443"));
  EXPECT_TRUE(finds("[2001:db8::1]", "[2001:db8::1]:80"));
  EXPECT_FALSE(finds("a.example:80", "a.example:443"));
  EXPECT_FALSE(finds("example", "a.example:443"));
}

TEST(MaySendAgain, NotWhileItIsDelivered) {
  EXPECT_TRUE(may_send_again(false));
  EXPECT_EQ(may_send_again(true).error().code, Errc::wrong_state);
}

}  // namespace
}  // namespace vodlift
