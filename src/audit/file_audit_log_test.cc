#include "audit/file_audit_log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <fstream>
#include <thread>

#include "base/temporary_folder_test.h"

namespace vodlift::audit {
namespace {

namespace fs = std::filesystem;

class FileAuditLogTest : public testing::Test {
 protected:
  FileAuditLogTest() { options_.path = folder_ / "audit.log"; }

  std::unique_ptr<FileAuditLog> open() {
    auto log = FileAuditLog::open(options_, clock_);
    EXPECT_TRUE(log) << log.error().message;
    return std::move(*log);
  }

  static void record(FileAuditLog& log, int upload) {
    AuditEntry entry;
    entry.door = "api";
    entry.command = "aws.upload";
    entry.upload = upload;
    log.record(entry);
  }

  // The uploads named in `path`, in their order.
  static std::vector<int> uploads_in(const fs::path& path) {
    std::vector<int> uploads;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
      const std::size_t at = line.find("\"upload\":");
      EXPECT_NE(at, std::string::npos) << line;
      EXPECT_EQ(line.back(), '}') << line;
      uploads.push_back(std::stoi(line.substr(at + 9)));
    }
    return uploads;
  }

  SystemClock clock_;
  const TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path();
  FileAuditOptions options_;
};

TEST_F(FileAuditLogTest, ALineIsInTheFileAtOnceAndOnlyItsOwnerReadsIt) {
  const auto log = open();
  record(*log, 1);
  EXPECT_EQ(uploads_in(options_.path), std::vector<int>{1});
  struct stat found {};
  ASSERT_EQ(::stat(options_.path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
}

TEST_F(FileAuditLogTest, GoesOnWhereTheLastRunEnded) {
  record(*open(), 1);
  record(*open(), 2);
  EXPECT_EQ(uploads_in(options_.path), (std::vector<int>{1, 2}));
}

TEST_F(FileAuditLogTest, AFullFileMovesOnAndTheOldestGoes) {
  options_.max_bytes = 150;  // one line, not two
  options_.keep = 2;
  const auto log = open();
  for (int upload = 1; upload <= 5; ++upload) record(*log, upload);
  EXPECT_EQ(uploads_in(options_.path), std::vector<int>{5});
  EXPECT_EQ(uploads_in(folder_ / "audit.log.1"), std::vector<int>{4});
  EXPECT_EQ(uploads_in(folder_ / "audit.log.2"), std::vector<int>{3});
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 3);
}

TEST_F(FileAuditLogTest, KeepsNothingOldWhereNothingIsToBeKept) {
  options_.max_bytes = 150;
  options_.keep = 0;
  const auto log = open();
  for (int upload = 1; upload <= 3; ++upload) record(*log, upload);
  EXPECT_EQ(uploads_in(options_.path), std::vector<int>{3});
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(FileAuditLogTest, LinesOfManyThreadsStayWhole) {
  options_.max_bytes = 20'000;
  const auto log = open();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&log, i] {
      for (int j = 0; j < 200; ++j) record(*log, i * 200 + j + 1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<int> all;
  for (const auto& file : fs::directory_iterator(folder_)) {
    for (const int upload : uploads_in(file.path())) all.push_back(upload);
  }
  std::sort(all.begin(), all.end());
  ASSERT_EQ(all.size(), 800u);
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
}

TEST_F(FileAuditLogTest, TellsWhatItCannotOpen) {
  fs::create_directory(options_.path);
  const auto log = FileAuditLog::open(options_, clock_);
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().message.find("audit.log"), std::string::npos);
}

// A link could make the log grow anywhere.
TEST_F(FileAuditLogTest, DoesNotFollowALink) {
  fs::create_symlink(folder_ / "elsewhere", options_.path);
  EXPECT_FALSE(FileAuditLog::open(options_, clock_));
  EXPECT_FALSE(fs::exists(folder_ / "elsewhere"));
}

class StandingClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return now_; }
  void pass(std::chrono::milliseconds time) { now_ += time; }

 private:
  WallTime now_ = from_unix_ms(1'795'486'505'042);
};

// As logrotate does.
TEST_F(FileAuditLogTest, WhatSomebodyMovesOrRemovesIsFollowedByANewFile) {
  StandingClock clock;
  auto opened = FileAuditLog::open(options_, clock);
  ASSERT_TRUE(opened);
  FileAuditLog& log = **opened;
  record(log, 1);
  fs::rename(options_.path, folder_ / "audit.log-20261130");
  record(log, 2);
  clock.pass(std::chrono::seconds(1));
  record(log, 3);
  EXPECT_EQ(uploads_in(folder_ / "audit.log-20261130"), (std::vector<int>{1, 2}));
  EXPECT_EQ(uploads_in(options_.path), std::vector<int>{3});
  std::ifstream file(options_.path);
  std::string line;
  std::getline(file, line);
  EXPECT_NE(line.find("\"follows\":"), std::string::npos) << "the chain goes on: " << line;
  fs::remove(options_.path);
  clock.pass(std::chrono::seconds(1));
  record(log, 4);
  EXPECT_EQ(uploads_in(options_.path), std::vector<int>{4});
}

TEST_F(FileAuditLogTest, WhatSomebodyCutsGoesOnFromThere) {
  StandingClock clock;
  options_.max_bytes = 400;
  auto opened = FileAuditLog::open(options_, clock);
  ASSERT_TRUE(opened);
  for (int upload = 1; upload <= 2; ++upload) record(**opened, upload);
  fs::resize_file(options_.path, 0);
  clock.pass(std::chrono::seconds(2));
  for (int upload = 3; upload <= 4; ++upload) record(**opened, upload);
  EXPECT_EQ(uploads_in(options_.path), (std::vector<int>{3, 4})) << "not rotated, for it is not full";
}

constexpr WallTime kWhen = from_unix_ms(1'795'486'505'042);

AuditEntry entry() {
  AuditEntry one;
  one.door = "api";
  one.address = "192.0.2.7";
  one.cdn = 158;
  one.key_id = 3;
  one.command = "aws.upload";
  one.what = {{"path", "sestore4/jb/film.mp4"}, {"bucket", "videos"}};
  one.upload = 17;
  return one;
}

TEST(AuditLine, TellsWhoWhatAndWhatCameOfIt) {
  EXPECT_EQ(audit_line(entry(), kWhen),
            R"({"time":"2026-11-24T02:15:05.042Z","door":"api","address":"192.0.2.7","cdn":158,"key":3,)"
            R"("command":"aws.upload","what":{"path":"sestore4/jb/film.mp4","bucket":"videos"},)"
            R"("result":"success","upload":17})"
            "\n");
}

TEST(AuditLine, NamesTheFailure) {
  AuditEntry failed = entry();
  failed.failure = Errc::source_not_found;
  failed.upload = 0;
  failed.what.clear();
  failed.key_id = 0;
  EXPECT_EQ(audit_line(failed, kWhen),
            R"({"time":"2026-11-24T02:15:05.042Z","door":"api","address":"192.0.2.7","cdn":158,)"
            R"("command":"aws.upload","result":"failure","error":"source_not_found"})"
            "\n");
}

TEST(AuditLine, WhatAClientSentCannotLeaveItsLineOrItsPlace) {
  AuditEntry hostile = entry();
  hostile.what = {{"path", "a\"}\n{\"time\":\"\x1b[31m\xff"}};
  const std::string line = audit_line(hostile, kWhen);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  const auto parsed = boost::json::parse(line).as_object();
  EXPECT_EQ(parsed.at("what").as_object().at("path").as_string(), "a\"}\\x0a{\"time\":\"\\x1b[31m\\xff");
}

TEST(AuditLine, NamesWhoAskedAndNoNameLeavesItsPlace) {
  AuditEntry asked = entry();
  asked.door = "token";
  asked.who = "anna\r\n\x1b[31m\xe2\x80\xa8";
  asked.token = "ci \"1\"";
  const std::string line = audit_line(asked, kWhen);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto parsed = boost::json::parse(line).as_object();
  EXPECT_EQ(parsed.at("who").as_string(), "anna\\x0d\\x0a\\x1b[31m\\xe2\\x80\\xa8");
  EXPECT_EQ(parsed.at("token").as_string(), "ci \"1\"");
  EXPECT_FALSE(boost::json::parse(audit_line(entry(), kWhen)).as_object().contains("who"));
}

TEST(AuditLine, IsBounded) {
  AuditEntry huge = entry();
  huge.what.clear();
  for (int i = 0; i < 100; ++i) huge.what.emplace_back("path", std::string(100'000, 'x'));
  const std::string line = audit_line(huge, kWhen);
  EXPECT_LT(line.size(), (kMaxValueBytes + 64) * (kMaxFields + 1));
  EXPECT_TRUE(boost::json::parse(line).is_object());
}

}  // namespace
}  // namespace vodlift::audit
