#include "store/online_backup.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <atomic>
#include <boost/json/serialize.hpp>
#include <future>
#include <thread>

#include "store/restore.h"
#include "store/sqlite_upload_store.h"
#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

class OnlineBackups : public StoreTest {
 protected:
  OnlineBackups() {
    fs::create_directory(folder_);
    database_ = open().value();
    uploads_ = std::make_unique<SqliteUploadStore>(queue_over(*database_));
    // Accounts own uploads.
    const auto added = database_->write([](SqliteConnection& connection) -> Result<> {
      connection.execute("INSERT INTO counters (name, value) VALUES ('t', 1)");
      return {};
    });
    EXPECT_TRUE(added);
  }

  Result<BackupManifest> make(OnlineBackup& backups, const fs::path& file, bool replace = false) {
    std::promise<Result<BackupManifest>> made;
    backups.make({file, replace}, [&](Result<BackupManifest> outcome) { made.set_value(std::move(outcome)); });
    return made.get_future().get();
  }
  Result<BackupManifest> make(const fs::path& file, bool replace = false, BackupLimits limits = {}) {
    OnlineBackup backups(*database_, clock_, {path_, "1.2.3", "0123456789abcdef"}, limits);
    return make(backups, file, replace);
  }

  // Returns the id.
  UploadId insert(const std::string& name) {
    std::promise<UploadId> inserted;
    uploads_->insert(new_upload(name), [&](const Result<InsertOutcome>& outcome) { inserted.set_value(outcome->id); });
    return inserted.get_future().get();
  }

  // `bytes` of rows that take long to copy.
  void fill(std::int64_t bytes) {
    const auto filled = database_->write([&](SqliteConnection& connection) -> Result<> {
      connection.execute("CREATE TABLE IF NOT EXISTS filling (a BLOB)");
      for (std::int64_t left = bytes; left > 0; left -= 500'000) {
        connection.execute("INSERT INTO filling VALUES (randomblob(500000))");
      }
      return {};
    });
    ASSERT_TRUE(filled) << filled.error().message;
  }

  std::vector<std::string> left_in_folder() const {
    std::vector<std::string> names;
    for (const auto& one : fs::directory_iterator(folder_)) names.push_back(one.path().filename());
    std::ranges::sort(names);
    return names;
  }

  void expect_refused(const Result<BackupManifest>& made, Errc code, const char* words) {
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, code) << made.error().message;
    EXPECT_THAT(made.error().message, HasSubstr(words));
  }

  const fs::path folder_ = directory_ / "backup";
  const fs::path file_ = folder_ / "a.db";
  std::unique_ptr<SqliteDatabase> database_;
  std::unique_ptr<SqliteUploadStore> uploads_;
};

TEST_F(OnlineBackups, IsAWholeDatabaseForItsOwnerOnlyWithAManifest) {
  insert("a.mp4");
  const UploadId last = insert("b.mp4");
  const auto made = make(file_);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->uploads, (decltype(made->uploads){2, 0, 0, 0, 0, 0}));
  EXPECT_EQ(made->last_id, last);
  EXPECT_EQ(made->version, "1.2.3");
  EXPECT_EQ(made->master_key, "") << "nothing is sealed";
  EXPECT_EQ(made->bytes, static_cast<std::int64_t>(fs::file_size(file_)));
  EXPECT_THAT(left_in_folder(), testing::ElementsAre("a.db", "a.db.manifest.json"));
  EXPECT_EQ(parse_manifest(bytes_in(manifest_of(file_))).value(), *made);
  for (const fs::path& one : {file_, manifest_of(file_)}) {
    EXPECT_EQ(fs::status(one).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  }
  const auto copy = SqliteConnection::open(file_, SqliteConnection::Access::read_only).value();
  EXPECT_EQ(copy->query("PRAGMA journal_mode"), "delete") << "it needs no other file to be read";
  EXPECT_EQ(copy->query("SELECT count(*) FROM uploads"), "2");
}

TEST_F(OnlineBackups, NothingIsWrittenOver) {
  std::ofstream(file_) << "mine";
  expect_refused(make(file_), Errc::already_exists, "a.db is there already");
  expect_refused(make(file_, true), Errc::already_exists, "is no backup");
  fs::remove(file_);
  ASSERT_TRUE(make(file_));
  expect_refused(make(file_), Errc::already_exists, "--replace");
  insert("a.mp4");
  const auto again = make(file_, true);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->all_uploads(), 1);
  EXPECT_EQ(parse_manifest(bytes_in(manifest_of(file_))).value(), *again);
  EXPECT_EQ(left_in_folder(), (std::vector<std::string>{"a.db", "a.db.manifest.json"}));
  std::ofstream(previous_of(file_)) << "mine";
  expect_refused(make(file_, true), Errc::already_exists, "a.db.previous is no backup");
}

// A crash came when the earlier backup had its other name already.
TEST_F(OnlineBackups, WhatACrashHasLeftIsABackupUntilThereIsANewOne) {
  ASSERT_TRUE(make(file_));
  fs::rename(manifest_of(file_), manifest_of(previous_of(file_)));
  fs::rename(file_, previous_of(file_));
  EXPECT_THAT(open_backup(file_).error().message, HasSubstr("a.db.previous is the backup from before"));
  EXPECT_TRUE(open_backup(previous_of(file_)));
  ASSERT_TRUE(make(file_, true));
  EXPECT_EQ(left_in_folder(), (std::vector<std::string>{"a.db", "a.db.manifest.json"}));
}

TEST_F(OnlineBackups, NamesThatCannotBeAreRefused) {
  expect_refused(make("a.db"), Errc::invalid_value, "whole path");
  expect_refused(make(folder_ / ""), Errc::invalid_value, "whole path");
  expect_refused(make(directory_ / "absent" / "a.db"), Errc::not_found, "absent is not there");
  for (const char* end : {"", "-wal", "-journal", ".mark"}) {
    for (const bool replace : {false, true}) {
      expect_refused(make(path_.string() + end, replace), Errc::invalid_value, "the database's own files");
      expect_refused(make(folder_ / ".." / ("queue.db" + std::string(end)), replace), Errc::invalid_value, "own files");
    }
  }
  EXPECT_THAT(left_in_folder(), IsEmpty());
}

TEST_F(OnlineBackups, IsOneMomentWhileOthersWrite) {
  fill(20'000'000);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    while (!stop) {
      // Two changes of one transaction: a copy has both or neither.
      const auto both = database_->write([&](SqliteConnection& connection) -> Result<> {
        connection.execute("UPDATE counters SET value = value + 1 WHERE name = 't'");
        connection.execute("INSERT INTO filling VALUES (randomblob(1000))");
        return {};
      });
      ASSERT_TRUE(both);
    }
  });
  BackupLimits limits;
  limits.pages = 64;
  for (int round = 0; round < 3; ++round) {
    const fs::path file = folder_ / (std::to_string(round) + ".db");
    const UploadId before = insert(std::to_string(round));
    const auto made = make(file, false, limits);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_GE(made->last_id, before) << "what was acknowledged before is there";
    const auto copy = SqliteConnection::open(file, SqliteConnection::Access::read_only).value();
    EXPECT_EQ(copy->query("SELECT count(*) - (SELECT value FROM counters WHERE name = 't') FROM filling"), "39");
  }
  stop = true;
  writer.join();
}

TEST_F(OnlineBackups, IsGivenUpBeforeTheLogGrowsTooMuch) {
  fill(4'000'000);
  fill(0);  // the writer tells how large its log is after it has answered
  BackupLimits limits;
  limits.log_bytes = 2'000'000;
  EXPECT_TRUE(make(folder_ / "quiet.db", false, limits)) << "a large log that does not grow is in nobody's way";
  fs::remove(folder_ / "quiet.db");
  fs::remove(manifest_of(folder_ / "quiet.db"));
  limits.pages = 1;
  limits.rest = 100;
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    while (!stop) fill(1'000'000);
  });
  expect_refused(make(file_, false, limits), Errc::overloaded, "log has grown to");
  stop = true;
  writer.join();
  EXPECT_THAT(left_in_folder(), IsEmpty());
  limits = {};
  limits.longest = std::chrono::seconds(0);
  limits.pages = 1;
  expect_refused(make(file_, false, limits), Errc::overloaded, "more than 0 s");
  EXPECT_THAT(left_in_folder(), IsEmpty());
  EXPECT_TRUE(make(file_)) << "nothing is in the way of the next one";
}

TEST_F(OnlineBackups, ADiskWithoutRoomIsToldBeforehand) {
  BackupLimits limits;
  limits.reserve_bytes = std::int64_t{1} << 60;
  expect_refused(make(file_, false, limits), Errc::io_error, "MiB free, the backup needs");
  EXPECT_THAT(left_in_folder(), IsEmpty());
}

TEST_F(OnlineBackups, OneAtATimeAndNoneAfterAStop) {
  fill(4'000'000);
  BackupLimits limits;
  limits.pages = 1;
  limits.rest = 100;
  OnlineBackup backups(*database_, clock_, {path_, "", ""}, limits);
  std::promise<Result<BackupManifest>> first;
  backups.make({file_}, [&](Result<BackupManifest> outcome) { first.set_value(std::move(outcome)); });
  expect_refused(make(backups, folder_ / "b.db"), Errc::wrong_state, "under way");
  backups.stop();
  expect_refused(first.get_future().get(), Errc::shutting_down, "given up");
  expect_refused(make(backups, folder_ / "b.db"), Errc::shutting_down, "stopping");
  EXPECT_THAT(left_in_folder(), IsEmpty());
}

TEST_F(OnlineBackups, DamageOfTheCopyIsFound) {
  fill(1'000'000);
  ASSERT_TRUE(make(file_));
  const std::string good = bytes_in(file_);
  int found = 0;
  int looked = 0;
  for (std::size_t page = 1; page * 4096 < good.size() && looked < 20; ++page, ++looked) {
    std::string bad = good;
    bad.replace(page * 4096, 64, std::string(64, '\xa5'));
    std::ofstream(file_, std::ios::binary) << bad;
    const auto connection = SqliteConnection::open(file_, SqliteConnection::Access::alone).value();
    const auto content = examine_backup(*connection, file_);
    if (!content && content.error().code == Errc::store_corrupt) ++found;
  }
  EXPECT_EQ(found, looked);
}

}  // namespace
}  // namespace vodlift::store
