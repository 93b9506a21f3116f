// That every committed change of an upload or a callback is told, and nothing else.
#include "store/row_news.h"

#include <gmock/gmock.h>

#include <future>
#include <vector>

#include "store/sqlite_callback_queue.h"
#include "store/sqlite_multipart_journal.h"
#include "store/sqlite_upload_store.h"
#include "store/sqlite_work_queue.h"
#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::chrono::milliseconds kLease{60'000};

class RowNewsTest : public StoreTest {
 protected:
  SqliteOptions options() {
    SqliteOptions options;
    options.path = path_;
    options.feed = &feed_;
    return options;
  }

  void follow() {
    uploads_followed_ = feed_.subscribe(Change::Kind::upload_changed,
                                        [this](const Change& change) { uploads_.push_back(change.upload); });
    callbacks_followed_ = feed_.subscribe(Change::Kind::callback_changed,
                                          [this](const Change& change) { callbacks_.push_back(change.callback); });
  }

  UploadId insert(const std::string& destination, const std::string& callback = {}) {
    NewUpload upload = new_upload(destination);
    upload.request.callback = callback;
    std::promise<UploadId> inserted;
    store_.insert(std::move(upload), [&](const Result<InsertOutcome>& outcome) { inserted.set_value(outcome->id); });
    return inserted.get_future().get();
  }

  // What was told since the last call. The writer tells before it answers.
  std::vector<UploadId> told() { return std::exchange(uploads_, {}); }

  std::unique_ptr<SqliteDatabase> database_ = SqliteDatabase::open(options(), clock_).value();
  SqliteUploadStore store_{queue_over(*database_)};
  SqliteWorkQueue queue_{queue_over(*database_)};
  SqliteMultipartJournal journal_{queue_over(*database_)};
  std::vector<UploadId> uploads_;
  std::vector<std::int64_t> callbacks_;
  ChangeFeed::Subscription uploads_followed_;
  ChangeFeed::Subscription callbacks_followed_;
};

TEST_F(RowNewsTest, TellsOfEachStepOfAnUpload) {
  follow();
  const UploadId id = insert("a");
  EXPECT_THAT(told(), ElementsAre(id));
  ChangeRequest change;
  change.account = 158;
  change.id = id;
  change.change = UploadChange::set_priority;
  change.priority = 9;
  ASSERT_TRUE(store_.change(change));
  EXPECT_THAT(told(), ElementsAre(id));
  const auto claimed = queue_.claim({id}, kLease).value();
  EXPECT_THAT(told(), ElementsAre(id));
  OpenMultipart open;
  open.multipart_id = "m";
  open.part_size = 500;
  open.source.size = 1000;
  ASSERT_TRUE(journal_.intend(claimed[0].lease, {"http://s3", "my_bucket", "a"}));
  ASSERT_TRUE(journal_.record_multipart(claimed[0].lease, open));
  told();
  ASSERT_TRUE(journal_.record_part(claimed[0].lease, {1, 500, "\"e\"", 1, {}}));
  EXPECT_THAT(told(), ElementsAre(id));
  std::promise<void> requeued;
  queue_.requeue(claimed[0].lease, {}, [&](const Result<>&) { requeued.set_value(); });
  requeued.get_future().get();
  EXPECT_THAT(told(), Contains(id));
  EXPECT_THAT(callbacks_, IsEmpty());
}

TEST_F(RowNewsTest, TellsOfCallbacks) {
  follow();
  const UploadId id = insert("a", "https://example.com/");
  const auto claimed = queue_.claim({id}, kLease).value();
  UploadEnding failed;
  failed.state = UploadState::failed;
  failed.error = UploadError{};
  std::promise<void> ended;
  queue_.finish(claimed[0].lease, failed, [&](const Result<>& outcome) {
    EXPECT_TRUE(outcome);
    ended.set_value();
  });
  ended.get_future().get();
  EXPECT_THAT(told(), Contains(id));
  EXPECT_EQ(callbacks_.size(), 1U);
}

TEST_F(RowNewsTest, WhatIsUndoneIsNotTold) {
  const UploadId id = insert("a");
  follow();
  const auto undone = database_->write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare("UPDATE uploads SET token = token WHERE id = ?1").bind(id).run();
    return Error{Errc::internal, "no"};
  });
  EXPECT_FALSE(undone);
  EXPECT_THAT(told(), IsEmpty());
  ASSERT_TRUE(database_->write([](SqliteConnection&) -> Result<> { return {}; }));
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(RowNewsTest, ManyRowsAreToldAsAnyUpload) {
  insert("a");
  follow();
  ASSERT_TRUE(database_->write([&](SqliteConnection& connection) -> Result<> {
    for (std::size_t i = 0; i < RowNews::kMostRows; ++i) {
      connection.prepare("UPDATE uploads SET token = token").run();
    }
    return {};
  }));
  EXPECT_THAT(told(), ElementsAre(1, 0));
}

// A change whose transaction began before is told to whoever listens at its commit: they could not have read it.
TEST_F(RowNewsTest, IsToldToWhoeverListensAtTheCommit) {
  const UploadId id = insert("a");
  ASSERT_TRUE(database_->write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare("UPDATE uploads SET token = token").run();
    follow();
    return {};
  }));
  EXPECT_THAT(told(), ElementsAre(id));
}

}  // namespace
}  // namespace vodlift::store
