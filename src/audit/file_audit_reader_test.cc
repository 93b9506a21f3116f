#include "audit/file_audit_reader.h"

#include <gtest/gtest.h>

#include <fstream>

#include "audit/file_audit_log.h"
#include "base/temporary_folder_test.h"

namespace vodlift::audit {
namespace {

using namespace std::chrono_literals;

class SetClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return now_; }
  void pass(std::chrono::milliseconds time) { now_ += time; }

 private:
  WallTime now_ = from_unix_ms(1'700'000'000'123);
};

class FileAuditReaderTest : public testing::Test {
 protected:
  FileAuditReaderTest() { options_.path = temporary_.path() / "audit.log"; }

  // A log of small files: `max_bytes` is not checked here.
  void record(int count, AuditEntry entry = {}) {
    if (!log_) log_ = FileAuditLog::open(options_, clock_).value();
    entry.door = "panel";
    if (entry.command.empty()) entry.command = "upload.cancel";
    for (int i = 0; i < count; ++i) {
      entry.upload = ++last_;
      log_->record(entry);
      clock_.pass(1s);
    }
  }
  void append(const std::string& bytes) const { std::ofstream(options_.path, std::ios::app) << bytes; }

  AuditPage read(const AuditQuery& query = {}) {
    auto page = FileAuditReader(options_.path, options_.keep).read(query);
    EXPECT_TRUE(page) << page.error().for_operator();
    return page ? *page : AuditPage();
  }

  // The uploads named, page after page; 0: a damaged line.
  std::vector<std::int64_t> all(AuditQuery query = {}) {
    std::vector<std::int64_t> uploads;
    for (int pages = 0; pages < 10'000; ++pages) {
      const AuditPage page = read(query);
      for (const AuditRecord& one : page.records) {
        uploads.push_back(one.damaged ? 0 : one.members.at("upload").as_int64());
      }
      query.before = page.next;
      if (query.before.empty()) return uploads;
    }
    ADD_FAILURE() << "no end";
    return uploads;
  }
  std::vector<std::int64_t> down_from(std::int64_t first, std::int64_t last = 1) {
    std::vector<std::int64_t> uploads;
    for (std::int64_t at = first; at >= last; --at) uploads.push_back(at);
    return uploads;
  }

  const TemporaryFolder temporary_;
  SetClock clock_;
  FileAuditOptions options_;
  std::unique_ptr<FileAuditLog> log_;
  int last_ = 0;
};

TEST_F(FileAuditReaderTest, NoFileHasNoLines) {
  EXPECT_TRUE(read().records.empty());
  EXPECT_EQ(read().next, "");
}

TEST_F(FileAuditReaderTest, ReadsTheNewestFirstWithTheirTimes) {
  AuditEntry entry;
  entry.cdn = 158;
  entry.who = "anna <b>\n";
  entry.what = {{"bucket", "films"}};
  record(3, entry);
  const AuditPage page = read();
  ASSERT_EQ(page.records.size(), 3U);
  EXPECT_EQ(page.next, "");
  EXPECT_FALSE(page.searched_to);
  EXPECT_EQ(page.records[0].at, from_unix_ms(1'700'000'002'123));
  EXPECT_EQ(page.records[2].at, from_unix_ms(1'700'000'000'123));
  EXPECT_EQ(page.records[0].members.at("what").at("bucket"), "films");
  EXPECT_EQ(page.records[0].members.at("who"), "anna <b>\\x0a") << "as it was written";
}

TEST_F(FileAuditReaderTest, GoesThroughAllFilesOnceWhileTheyAreRotated) {
  options_.max_bytes = 1000;
  record(50);
  ASSERT_TRUE(std::filesystem::exists(options_.path.string() + ".3"));
  AuditQuery query;
  query.limit = 7;
  EXPECT_EQ(all(query), down_from(50));
  const AuditPage first = read(query);
  record(20);
  query.before = first.next;
  EXPECT_EQ(all(query), down_from(43)) << "a place stays where it is, whatever the file is called";
}

TEST_F(FileAuditReaderTest, WhatWasRemovedMeanwhileIsLeftOut) {
  options_.max_bytes = 1000;
  options_.keep = 2;
  record(30);
  AuditQuery query;
  query.limit = 1;
  query.before = read(query).next;
  record(60);
  EXPECT_TRUE(all(query).empty());
}

TEST_F(FileAuditReaderTest, ADamagedLineIsSaidAndHidesNoOther) {
  record(2);
  append("{\"time\":\"2026-11-24T02:15:0\n");
  append(std::string(1'000'000, 'x') + "\n");
  append("\n");
  append("[]\n");
  record(2);
  append(R"({"time":"2026)");  // being written
  const auto uploads = all();
  EXPECT_EQ(std::ranges::count(uploads, 0) >= 4, true);
  std::vector<std::int64_t> good;
  for (const std::int64_t one : uploads) {
    if (one != 0) good.push_back(one);
  }
  EXPECT_EQ(good, down_from(4));
  AuditQuery query;
  query.command = "upload.cancel";
  EXPECT_EQ(all(query), down_from(4)) << "nobody knows what they were about";
}

TEST_F(FileAuditReaderTest, FiltersHoldAllThatIsGiven) {
  AuditEntry revoke;
  revoke.command = "key.revoke";
  revoke.cdn = 158;
  revoke.who = "anna";
  record(1, revoke);
  revoke.command = "key.add";
  revoke.who = "bob";
  record(1, revoke);
  revoke.cdn = 159;
  record(1, revoke);
  record(1);
  const auto found = [&](const AuditQuery& query) { return all(query); };
  EXPECT_EQ(found({.cdn = 158}), (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ(found({.command = "key."}), (std::vector<std::int64_t>{3, 2, 1}));
  EXPECT_EQ(found({.command = "key.add"}), (std::vector<std::int64_t>{3, 2}));
  EXPECT_EQ(found({.command = "key"}), std::vector<std::int64_t>());
  EXPECT_EQ(found({.cdn = 158, .who = "bob"}), std::vector<std::int64_t>{2});
  EXPECT_EQ(found({.upload = 3}), std::vector<std::int64_t>{3});
  EXPECT_EQ(found({.since = from_unix_ms(1'700'000'002'000)}), (std::vector<std::int64_t>{4, 3}));
  EXPECT_EQ(found({.until = from_unix_ms(1'700'000'002'000)}), (std::vector<std::int64_t>{2, 1}));
}

TEST_F(FileAuditReaderTest, AChangeOfSeveralIsFoundByEachThatItNames) {
  AuditEntry many;
  many.command = "upload.bulk";
  many.what = {{"action", "cancel"}, {"ids", "[170,18,1]"}};
  record(1, many);
  const auto found = [&](UploadId upload) { return read({.upload = upload}).records.size(); };
  for (const UploadId named : {170, 18, 1}) EXPECT_EQ(found(named), 1U) << named;
  for (const UploadId other : {17, 8, 70, 1701}) EXPECT_EQ(found(other), 0U) << other;
}

TEST_F(FileAuditReaderTest, OneCallLooksAtABoundedPartAndSaysHowFarItCame) {
  record(kMostAuditLinesSearched + 1);
  AuditQuery query;
  query.upload = 1;
  const AuditPage page = read(query);
  EXPECT_TRUE(page.records.empty());
  ASSERT_TRUE(page.searched_to);
  EXPECT_EQ(*page.searched_to, from_unix_ms(1'700'000'001'123));
  query.before = page.next;
  EXPECT_EQ(read(query).records.size(), 1U);
}

TEST_F(FileAuditReaderTest, OneCallReadsABoundedNumberOfBytes) {
  record(1);
  append(std::string(static_cast<std::size_t>(3 * kMostAuditBytesSearched), 'x') + "\n");
  AuditQuery query;
  query.upload = 1;
  int calls = 0;
  do {
    const AuditPage page = read(query);
    query.before = page.next;
    ++calls;
    if (page.next.empty()) {
      EXPECT_EQ(page.records.size(), 1U);
    }
  } while (!query.before.empty() && calls < 10);
  EXPECT_GE(calls, 3);
  EXPECT_LT(calls, 10);
}

TEST_F(FileAuditReaderTest, APlaceThatIsNoneIsRefused) {
  for (const char* text :
       {"x", "-", "1-", "-1", "1-2", "1-2-", "1-2-3x", "1-2-3-4", "1--2-3", "1-2--3", "99999999999999999999999-1-1"}) {
    AuditQuery query;
    query.before = text;
    const auto page = FileAuditReader(options_.path, options_.keep).read(query);
    ASSERT_FALSE(page) << text;
    EXPECT_EQ(page.error().code, Errc::invalid_value);
  }
}

}  // namespace
}  // namespace vodlift::audit
