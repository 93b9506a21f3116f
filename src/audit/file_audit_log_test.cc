#include "audit/file_audit_log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

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

}  // namespace
}  // namespace vodlift::audit
