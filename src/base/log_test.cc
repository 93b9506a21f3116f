#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace vodlift {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// What `action` writes to standard error.
template <class Action>
std::string written(Action action) {
  testing::internal::CaptureStderr();
  action();
  return testing::internal::GetCapturedStderr();
}

// In one test, because the format is set for the whole process and only once.
TEST(Log, WritesOneLineForAConsoleThenAsJson) {
  log::configure(log::Format::console, log::Level::info);
  const std::string line = written([] {
    log::info("upload completed",
              {{"id", 7}, {"path", "a b"}, {"bucket", "plain"}, {"empty", ""}, {"evil", "x\n\"y\" \x1b[31m"}});
  });
  EXPECT_THAT(line, HasSubstr("upload completed id=7 path=\"a b\" bucket=plain empty=\"\" evil="));
  EXPECT_THAT(line, EndsWith("\n"));
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_THAT(line, Not(HasSubstr("\x1b[31m")));
  EXPECT_THAT(line, HasSubstr("x\\\\x0a"));

  EXPECT_THAT(written([] { log::debug("not wanted"); }), IsEmpty());
  EXPECT_THAT(written([] {
                log::info("long", {{"text", std::string(5000, 'x')}});
              }),
              HasSubstr("=" + std::string(512, 'x') + "…\n"));

  log::configure(log::Format::json, log::Level::debug);
  const std::string json = written([] {
    log::error("upload \"failed\"", {{"id", std::int64_t{1} << 53}, {"ratio", 0.5}, {"why", "a\r\n\"b\"\xFF{}%v"}});
  });
  boost::system::error_code error;
  const auto value = boost::json::parse(json.substr(0, json.size() - 1), error);
  ASSERT_FALSE(error) << json;
  EXPECT_EQ(value.at("message").as_string(), "upload \"failed\"");
  EXPECT_EQ(value.at("level").as_string(), "error");
  EXPECT_EQ(value.at("id").to_number<std::int64_t>(), std::int64_t{1} << 53);
  EXPECT_EQ(value.at("ratio").to_number<double>(), 0.5);
  EXPECT_EQ(value.at("why").as_string(), "a\\x0d\\x0a\"b\"\\xff{}%v");
  EXPECT_THAT(value.at("time").as_string().c_str(), testing::MatchesRegex("....-..-..T..:..:..\\....Z"));
  EXPECT_THAT(written([] { log::debug("wanted"); }), HasSubstr("\"message\":\"wanted\""));
}

}  // namespace
}  // namespace vodlift
