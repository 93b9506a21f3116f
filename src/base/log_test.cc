#include "base/log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/late_log.h"

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

// Standard error as a pipe that nobody reads yet.
class FullPipe {
 public:
  FullPipe() : before_(dup(STDERR_FILENO)) {
    EXPECT_EQ(pipe(ends_.data()), 0);
    EXPECT_EQ(fcntl(ends_[1], F_SETPIPE_SZ, 4096), 4096);
    dup2(ends_[1], STDERR_FILENO);
    close(ends_[1]);
  }
  FullPipe(const FullPipe&) = delete;
  FullPipe& operator=(const FullPipe&) = delete;
  ~FullPipe() {
    dup2(before_, STDERR_FILENO);
    close(before_);
    close(ends_[0]);
  }

  // Reads until `text` has come.
  std::string read_until(std::string_view text) const {
    std::string all;
    std::array<char, 4096> some{};
    while (all.find(text) == std::string::npos) {
      const auto count = read(ends_[0], some.data(), some.size());
      if (count <= 0) break;
      all.append(some.data(), static_cast<std::size_t>(count));
    }
    return all;
  }

 private:
  std::array<int, 2> ends_{};
  int before_;
};

TEST(LateLog, WritesAllLinesInTheirOrder) {
  const FullPipe standard_error;
  for (const char* const line : {"first", "second", "third"}) log::info_late(line, {});
  const std::string written = standard_error.read_until("third");
  EXPECT_LT(written.find("first"), written.find("second"));
  EXPECT_LT(written.find("second"), written.find("third"));
}

TEST(LateLog, IsWrittenBeforeTheNextLineThatIsNotLate) {
  constexpr int kRounds = 15;  // what the pipe takes
  const FullPipe standard_error;
  std::vector<std::string> wanted;
  for (int round = 0; round < kRounds; ++round) {
    wanted.push_back(fmt::format("late {}.", round));
    log::info_late(wanted.back(), {});
    wanted.push_back(fmt::format("direct {}.", round));
    log::info(wanted.back());
  }
  const std::string written = standard_error.read_until(wanted.back());
  std::size_t at = 0;
  for (const std::string& line : wanted) {
    at = written.find(line, at);
    ASSERT_NE(at, std::string::npos) << line;
  }
}

TEST(LateLog, NobodyWaitsForWhoReadsTheLogAndWhatIsLostIsCounted) {
  const FullPipe standard_error;
  constexpr std::size_t kText = 100;
  const int lines = 2 * static_cast<int>(log::kMaxLateBytes / kText);
  for (int line = 1; line <= lines; ++line) log::info_late("late", {{"line", line}, {"text", std::string(kText, 'x')}});
  // Read on, and once the queue has room the next line brings the number.
  std::string read = standard_error.read_until(std::to_string(lines));
  log::info_late("the last", {});
  read += standard_error.read_until("the last");
  EXPECT_THAT(read, HasSubstr("log lines were lost, because standard error took no more"));
  EXPECT_THAT(read, HasSubstr(std::to_string(lines)));
}

}  // namespace
}  // namespace vodlift
