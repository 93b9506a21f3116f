#include "audit/file_audit_check.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "audit/chain.h"
#include "audit/file_audit_log.h"
#include "base/temporary_folder_test.h"

namespace vodlift::audit {
namespace {

namespace fs = std::filesystem;

class AuditCheckTest : public testing::Test {
 protected:
  AuditCheckTest() { options_.path = temporary_.path() / "audit.log"; }

  // One run of the daemon that writes so many lines.
  void run(int lines) {
    const auto log = FileAuditLog::open(options_, clock_);
    ASSERT_TRUE(log) << log.error().message;
    for (int i = 0; i < lines; ++i) {
      AuditEntry entry;
      entry.door = "panel";
      entry.command = "key.revoke";
      entry.what = {{"api_key", "key-" + std::to_string(++written_)}};
      (*log)->record(entry);
    }
  }

  [[nodiscard]] std::vector<std::string> lines(int file = 0) const {
    std::vector<std::string> all;
    std::ifstream in(numbered(options_.path, file));
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
  }
  void put(const std::vector<std::string>& lines, int file = 0) const {
    std::ofstream out(numbered(options_.path, file), std::ios::trunc);
    for (const std::string& line : lines) out << line << '\n';
  }
  void append(std::string_view bytes) const { std::ofstream(options_.path, std::ios::app) << bytes; }

  [[nodiscard]] AuditCheck check(std::string_view kept = {}) const {
    auto checked = check_audit_files(options_.path, options_.keep, kept);
    EXPECT_TRUE(checked) << checked.error().message;
    return checked ? std::move(*checked) : AuditCheck();
  }
  // The number of the first line that does not fit; 0: all do.
  [[nodiscard]] std::int64_t fault(int file = 0) const {
    const AuditCheck checked = check();
    if (!checked.fault) return 0;
    EXPECT_EQ(checked.fault->file, numbered(options_.path, file));
    return checked.fault->line;
  }

  SystemClock clock_;
  const TemporaryFolder temporary_;
  FileAuditOptions options_;
  int written_ = 0;
};

TEST_F(AuditCheckTest, NoLogHasNoFault) {
  EXPECT_EQ(fault(), 0);
  EXPECT_EQ(check().newest, "");
}

TEST_F(AuditCheckTest, TheChainGoesOnOverFilesAndRuns) {
  options_.max_bytes = 1000;
  run(20);
  run(1);
  run(20);
  const AuditCheck checked = check();
  EXPECT_FALSE(checked.fault);
  EXPECT_EQ(checked.lines, 41);
  EXPECT_GT(checked.files, 5);
  EXPECT_EQ(checked.newest, std::string(chained_line(lines().back())->chain));
}

TEST_F(AuditCheckTest, TheFirstLineThatWasEditedIsNamed) {
  run(9);
  const auto good = lines();
  for (std::size_t at = 0; at < good.size(); ++at) {
    auto edited = good;
    edited[at].replace(edited[at].find("revoke"), 6, "rotate");
    put(edited);
    EXPECT_EQ(fault(), static_cast<std::int64_t>(at) + 1);
  }
}

TEST_F(AuditCheckTest, ARemovedAnAddedAndAMovedLineAreNoticed) {
  run(9);
  const auto good = lines();
  auto removed = good;
  removed.erase(removed.begin() + 3);
  put(removed);
  EXPECT_EQ(fault(), 4);
  auto first = good;
  first.erase(first.begin());
  put(first);
  EXPECT_EQ(fault(), 1) << "the first line of a file says what it follows";
  auto added = good;
  added.insert(added.begin() + 3, good[6]);
  put(added);
  EXPECT_EQ(fault(), 4);
  added[3] = R"({"time":"2026-11-24T02:15:05.042Z","command":"key.revoke","result":"success"})";
  put(added);
  EXPECT_EQ(fault(), 4);
  added[3] = "half a li";
  put(added);
  EXPECT_EQ(fault(), 4);
  auto moved = good;
  std::swap(moved[3], moved[4]);
  put(moved);
  EXPECT_EQ(fault(), 4);
}

TEST_F(AuditCheckTest, ALineThatWasAddedAtTheEndIsNoticed) {
  run(3);
  append(R"({"time":"2026-11-24T02:15:05.042Z","command":"key.revoke","result":"success"})"
         "\n");
  EXPECT_EQ(fault(), 4);
  run(1);
  EXPECT_EQ(fault(), 4) << "a later run of the daemon makes it no better";
}

TEST_F(AuditCheckTest, AFileThatIsGoneIsNoticedUnlessItIsTheOldest) {
  options_.max_bytes = 1000;
  run(20);
  fs::remove(numbered(options_.path, 2));
  EXPECT_EQ(fault(1), 1);
  for (int number = 3; fs::remove(numbered(options_.path, number)); ++number) {
  }
  EXPECT_EQ(fault(), 0) << "as when it was deleted because there were too many";
}

TEST_F(AuditCheckTest, WhatWasCutOffIsNoticedByAKeptValueOnly) {
  run(5);
  const std::string kept = check().newest;
  auto cut = lines();
  cut.resize(3);
  put(cut);
  run(4);
  EXPECT_EQ(fault(), 0);
  EXPECT_FALSE(check(kept).has_kept);
  EXPECT_TRUE(check(chained_line(cut.back())->chain).has_kept);
}

TEST_F(AuditCheckTest, HalfALineOfACrashIsCountedAndTheChainGoesOnBehindIt) {
  run(3);
  append(lines().back().substr(0, 40));
  EXPECT_EQ(check().half, 1);
  run(3);
  const AuditCheck checked = check();
  EXPECT_FALSE(checked.fault);
  EXPECT_EQ(checked.half, 1);
  EXPECT_EQ(checked.lines, 6);
  auto changed = lines();
  changed[3].back() = 'x';
  put(changed);
  EXPECT_EQ(fault(), 4) << "the line after it holds it fast";
}

TEST_F(AuditCheckTest, AChainBeginsBehindTheLinesOfAnOlderVersion) {
  append(R"({"time":"2026-11-24T02:15:05.042Z","command":"key.revoke","result":"success"})"
         "\n");
  append(R"({"time":"2026-11-24T02:15:05.043Z","command":"key.add","result":"success"})"
         "\n");
  run(2);
  run(1);
  const AuditCheck checked = check();
  EXPECT_FALSE(checked.fault);
  EXPECT_EQ(checked.unchained, 2);
  EXPECT_EQ(checked.lines, 3);
}

TEST_F(AuditCheckTest, AChainThatBeginsAnewIsAFault) {
  run(3);
  const auto before = lines();
  fs::remove(options_.path);
  run(2);
  auto both = before;
  for (const std::string& line : lines()) both.push_back(line);
  put(both);
  EXPECT_EQ(fault(), 4);
}

// A crash may leave no file between the moves of two.
TEST_F(AuditCheckTest, GoesOnWhereTheNewestFileIsMissing) {
  run(3);
  fs::rename(options_.path, numbered(options_.path, 1));
  run(3);
  EXPECT_EQ(fault(), 0);
  EXPECT_EQ(check().lines, 6);
}

TEST_F(AuditCheckTest, WhatIsNoLogIsAFaultAndNotReadWhole) {
  run(1);
  append(std::string(2'000'000, 'x'));
  EXPECT_EQ(fault(), 2);
}

}  // namespace
}  // namespace vodlift::audit
