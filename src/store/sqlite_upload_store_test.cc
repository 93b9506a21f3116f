#include "store/sqlite_upload_store.h"

#include <future>
#include <latch>
#include <thread>

#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

class SqliteUploadStoreTest : public StoreTest {};

// A request's HMAC is its signature: a copy of the database must not reveal it.
TEST_F(SqliteUploadStoreTest, KeepsNoSignature) {
  const std::string mac = "a mac of thirty-two bytes, a mac";
  {
    auto database = open();
    ASSERT_TRUE(database);
    SqliteUploadStore uploads(queue_over(**database));
    NewUpload upload = new_upload("f.mp4");
    upload.key_id = 1;
    upload.signature.mac = mac;
    std::promise<UploadId> inserted;
    uploads.insert(std::move(upload), [&](const Result<InsertOutcome>& outcome) { inserted.set_value(outcome->id); });
    const UploadId id = inserted.get_future().get();
    EXPECT_EQ(uploads.find_repeat(1, {0, mac}).value(), id);
  }
  const std::string kept = bytes_in(path_);
  EXPECT_NE(kept.find("f.mp4"), std::string::npos);
  EXPECT_EQ(kept.find(mac), std::string::npos);
}

// Changes a row and fails, so that the others of its transaction run again alone.
class Fails final : public WriteOperation {
 public:
  Result<> run(SqliteConnection& connection) override {
    connection.prepare("UPDATE counters SET value = value + 1 WHERE name = 'accounts'").run();
    return Error{Errc::internal, "no"};
  }
  void done(Result<> /*outcome*/) override {}
};

// What was counted in the transaction that was undone does not count.
TEST_F(SqliteUploadStoreTest, WhatWasRolledBackIsNotCounted) {
  constexpr int kMost = 10;
  constexpr int kFirst = 6;
  SqliteOptions options;
  options.path = path_;
  options.most_open_uploads = kMost;
  auto database = SqliteDatabase::open(options, clock_);
  ASSERT_TRUE(database);
  SqliteUploadStore uploads(queue_over(**database));
  std::latch held(1);
  std::latch go(1);
  std::thread holder([&] {
    EXPECT_TRUE((*database)->write([&](SqliteConnection&) -> Result<> {
      held.count_down();
      go.wait();
      return {};
    }));
  });
  held.wait();
  int taken = 0;
  const auto insert = [&](int number) {
    uploads.insert(new_upload(std::to_string(number)), [&](const Result<InsertOutcome>& one) { taken += one ? 1 : 0; });
  };
  for (int i = 0; i < kFirst; ++i) insert(i);
  (*database)->post(std::make_unique<Fails>());
  go.count_down();
  holder.join();
  (*database)->drain();
  EXPECT_EQ(taken, kFirst);
  for (int i = kFirst; i < 2 * kMost; ++i) insert(i);
  (*database)->drain();
  EXPECT_EQ(taken, kMost);
}

}  // namespace
}  // namespace vodlift::store
