#include "cli/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <string>

namespace vodlift::cli {
namespace {

using testing::HasSubstr;

TEST(ReadAnswer, TakesTheDataOfASuccess) {
  const auto data = read_answer(R"({"status":"success","data":[1,2]})");
  ASSERT_TRUE(data);
  EXPECT_EQ(*data, (boost::json::array{1, 2}));
}

TEST(ReadAnswer, TakesCodeAndMessageOfAFailure) {
  const auto data = read_answer(R"({"status":"failure","code":"already_exists","message":"account 158 exists"})");
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().code, Errc::already_exists);
  EXPECT_EQ(data.error().message, "account 158 exists");
}

TEST(ReadAnswer, RefusesWhatIsNoAnswer) {
  for (const char* bad : {"", "x", "[]", "{}", R"({"status":"success"})", R"({"status":"failure"})",
                          R"({"status":"failure","code":1,"message":"x"})", R"({"status":1,"data":1})"}) {
    const auto data = read_answer(bad);
    ASSERT_FALSE(data) << bad;
    EXPECT_EQ(data.error().code, Errc::internal);
  }
}

TEST(Daemon, SaysWhatToDoWhenThereIsNone) {
  const auto data = Daemon("/nonexistent/admin.sock").call("account.list", {});
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().code, Errc::network);
  EXPECT_THAT(data.error().message, HasSubstr("no daemon answers at /nonexistent/admin.sock; start it with"));
}

TEST(Daemon, RefusesAPathThatNoSocketCanHave) {
  const auto data = Daemon("/" + std::string(200, 'x')).call("account.list", {});
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().code, Errc::network);
}

}  // namespace
}  // namespace vodlift::cli
