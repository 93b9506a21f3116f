#include "store/restore.h"

#include <gmock/gmock.h>

#include <boost/json/serialize.hpp>
#include <future>

#include "base/encoding.h"
#include "base/hash.h"
#include "store/master_key.h"
#include "store/online_backup.h"
#include "store/sqlite_account_repository.h"
#include "store/sqlite_upload_store.h"
#include "store/store_mark.h"
#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Restores : public StoreTest {
 protected:
  static UploadId insert(SqliteUploadStore& uploads, const std::string& name) {
    std::promise<UploadId> inserted;
    uploads.insert(new_upload(name), [&](const Result<InsertOutcome>& outcome) { inserted.set_value(outcome->id); });
    return inserted.get_future().get();
  }

  // Opens the database, adds uploads, and returns the id of the last.
  UploadId add(int uploads) {
    const auto database = open();
    EXPECT_TRUE(database) << database.error().message;
    SqliteUploadStore store(queue_over(**database));
    UploadId last = 0;
    for (int number = 0; number < uploads; ++number) last = insert(store, std::to_string(number));
    return last;
  }

  // The same, and a backup of that.
  UploadId back_up(int uploads) {
    const UploadId last = add(uploads);
    const auto database = open().value();
    OnlineBackup backups(*database, clock_, {path_, "1.2.3", key_fingerprint_});
    std::promise<Result<BackupManifest>> made;
    backups.make({backup_, true}, [&](Result<BackupManifest> outcome) { made.set_value(std::move(outcome)); });
    const auto outcome = made.get_future().get();
    EXPECT_TRUE(outcome) << outcome.error().message;
    return last;
  }

  Result<RestoreReport> put_back(bool replace = false, UploadId ids_above = 0) {
    const auto opened = open_backup(backup_);
    if (!opened) return opened.error();
    return restore(*opened, {path_, key_, replace, ids_above});
  }

  void expect_refused(const Result<RestoreReport>& done, Errc code, const char* words) {
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, code) << done.error().message;
    EXPECT_THAT(done.error().message, HasSubstr(words));
  }

  void change_manifest(const char* name, const boost::json::value& member) {
    auto manifest = to_json(parse_manifest(bytes_in(manifest_of(backup_))).value());
    manifest[name] = member;
    std::ofstream(manifest_of(backup_)) << boost::json::serialize(manifest);
  }

  void remove_database() {
    for (const char* end : {"", "-wal", "-shm"}) fs::remove(path_.string() + end);
  }

  const fs::path key_ = directory_ / "master.key";
  const fs::path backup_ = directory_ / "backup.db";
  std::string key_fingerprint_;
};

TEST_F(Restores, IdsGoOnAboveAllThatTheMarkKnows) {
  const UploadId last = back_up(3);
  const UploadId later = add(5);
  remove_database();
  const auto done = put_back();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(done->aside.empty());
  EXPECT_TRUE(done->knows_ids);
  EXPECT_EQ(done->manifest.last_id, last);
  EXPECT_GT(done->next_id, later);
  EXPECT_EQ(add(1), done->next_id);
  EXPECT_EQ(fs::status(path_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(Restores, WithoutAMarkIdsGoOnHigherAndHigherIfAsked) {
  const UploadId last = back_up(3);
  remove_database();
  fs::remove(StoreMark::path_of(path_));
  const auto done = put_back();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_FALSE(done->knows_ids);
  EXPECT_EQ(done->next_id, last + StoreMark::kIdsAtOnce + 1);
  EXPECT_EQ(add(1), done->next_id);
  const auto again = put_back(true, 1'000'000);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->next_id, 1'000'001);
  EXPECT_EQ(add(1), 1'000'001);
}

TEST_F(Restores, ADatabaseThatIsThereIsKeptWithItsLog) {
  back_up(3);
  const UploadId later = add(2);
  // As a crash leaves it: a log that the file needs.
  std::string file;
  std::string log;
  {
    const auto database = open().value();
    SqliteUploadStore store(queue_over(*database));
    insert(store, "in the log");
    file = bytes_in(path_);
    log = bytes_in(path_.string() + "-wal");
  }
  ASSERT_FALSE(log.empty());
  std::ofstream(path_, std::ios::binary) << file;
  std::ofstream(path_.string() + "-wal", std::ios::binary) << log;

  expect_refused(put_back(), Errc::already_exists, "--replace");
  EXPECT_EQ(bytes_in(path_), file);
  const auto done = put_back(true);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->aside, path_.string() + ".aside-1");
  EXPECT_EQ(bytes_in(done->aside), file);
  EXPECT_EQ(bytes_in(done->aside.string() + "-wal"), log);
  EXPECT_FALSE(fs::exists(path_.string() + "-wal"));
  EXPECT_EQ(add(1), done->next_id) << "the mark of the log that is gone is not in the way";
  EXPECT_GT(done->next_id, later + 1);
  for (int number = 2; number <= 9; ++number) EXPECT_TRUE(put_back(true)) << number;
  expect_refused(put_back(true), Errc::already_exists, "9 databases lie aside already");
  EXPECT_TRUE(open());
}

TEST_F(Restores, ALogWithoutItsDatabaseIsNotTakenForThatOfTheBackup) {
  back_up(1);
  remove_database();
  std::ofstream(path_.string() + "-wal") << std::string(5000, 'x');
  const auto done = put_back();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(bytes_in(done->aside.string() + "-wal").size(), 5000U);
  EXPECT_TRUE(open());
}

TEST_F(Restores, NothingIsDoneWhileADaemonRuns) {
  back_up(1);
  const auto database = open().value();
  expect_refused(put_back(true), Errc::locked, "in use by process");
}

TEST_F(Restores, ADamagedBackupIsRefusedAndChangesNothing) {
  back_up(3);
  const std::string good = bytes_in(backup_);
  const std::string there = bytes_in(path_);
  std::string bad = good;
  bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
  for (const std::string& text : {bad, good.substr(0, good.size() - 1), good + "x", std::string()}) {
    std::ofstream(backup_, std::ios::binary) << text;
    expect_refused(put_back(true), Errc::store_corrupt, "is not as it was made");
  }
  EXPECT_EQ(bytes_in(path_), there);
  for (const auto& one : fs::directory_iterator(directory_)) {
    EXPECT_THAT(one.path().string(), testing::Not(HasSubstr("partial")));
  }
}

TEST_F(Restores, WhatHasTheRightSumButIsNoDatabaseIsRefused) {
  back_up(1);
  const std::string text(8192, 'x');
  std::ofstream(backup_, std::ios::binary) << text;
  change_manifest("sha256", boost::json::value(to_hex(sha256(bytes_of(text)))));
  change_manifest("bytes", 8192);
  expect_refused(put_back(true), Errc::store_corrupt, "not a database");
}

TEST_F(Restores, AManifestMustBeThereAndFit) {
  back_up(1);
  change_manifest("schema", 4711);
  expect_refused(put_back(true), Errc::config_invalid, "newer vodlift (1.2.3, schema step 4711");
  std::ofstream(manifest_of(backup_)) << "{";
  expect_refused(put_back(true), Errc::invalid_value, "no manifest");
  fs::remove(manifest_of(backup_));
  expect_refused(put_back(true), Errc::not_found, "a backup is two files");
  fs::remove(backup_);
  expect_refused(put_back(true), Errc::not_found, "cannot open");
}

TEST_F(Restores, TheMasterKeyMustBeTheBackups) {
  {
    const auto database = open().value();
    auto key = load_or_create_master_key(key_, true).value();
    key_fingerprint_ = fingerprint_of(key);
    ASSERT_TRUE(SqliteAccountRepository::open(*database, feed_, Seal(std::move(key))));
  }
  back_up(1);
  EXPECT_EQ(open_backup(backup_).value().manifest.master_key, key_fingerprint_);
  EXPECT_TRUE(put_back(true));
  fs::remove(key_);
  expect_refused(put_back(true), Errc::config_invalid, "put it back");
  ASSERT_TRUE(load_or_create_master_key(key_, true));
  expect_refused(put_back(true), Errc::seal_broken, key_fingerprint_.c_str());
}

}  // namespace
}  // namespace vodlift::store
