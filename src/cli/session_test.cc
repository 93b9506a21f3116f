#include "cli/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <string>

namespace vodlift::cli {
namespace {

using testing::HasSubstr;

TEST(ReadAnswer, TakesTheDataOfASuccess) {
  const auto data = read_answer(200, "[1,2]");
  ASSERT_TRUE(data);
  EXPECT_EQ(*data, (boost::json::array{1, 2}));
  EXPECT_TRUE(read_answer(201, "{}"));
}

TEST(ReadAnswer, TakesCodeAndTextsOfAProblem) {
  auto data = read_answer(409, R"({"code":"already_exists","detail":"account 158 exists"})");
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().code, Errc::already_exists);
  EXPECT_EQ(data.error().message, "account 158 exists");
  data = read_answer(500, R"({"code":"io_error","detail":"no disk","operator_detail":"/dev/sdb"})");
  EXPECT_EQ(data.error().message, "no disk (/dev/sdb)");
}

TEST(ReadAnswer, RefusesWhatIsNoAnswer) {
  for (const auto& [status, bad] : std::initializer_list<std::pair<int, const char*>>{{200, ""},
                                                                                      {200, "x"},
                                                                                      {400, "x"},
                                                                                      {400, "[]"},
                                                                                      {400, "{}"},
                                                                                      {500, R"({"code":1,"detail":1})"},
                                                                                      {302, "{}"}}) {
    const auto data = read_answer(status, bad);
    ASSERT_FALSE(data) << bad;
    EXPECT_EQ(data.error().code, Errc::internal);
  }
}

TEST(Daemon, SaysWhatToDoWhenThereIsNone) {
  const auto data = Daemon("/nonexistent/admin.sock").call({"GET", "/accounts"});
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().code, Errc::network);
  EXPECT_THAT(data.error().message, HasSubstr("no daemon answers at /nonexistent/admin.sock; start it with"));
}

TEST(Daemon, RefusesAPathThatNoSocketCanHave) {
  const auto data = Daemon("/" + std::string(200, 'x')).call({"GET", "/accounts"});
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().code, Errc::network);
}

}  // namespace
}  // namespace vodlift::cli
