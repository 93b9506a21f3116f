// The attempts at one upload, against an object store and a storage in memory. What is recorded is in a real queue.
#pragma once

#include <gtest/gtest.h>

#include "core/part_plan.h"
#include "worker/fakes_test.h"
#include "worker/upload_run.h"
#include "worker/watched_ports_test.h"

namespace vodlift::worker {

inline constexpr std::size_t kThreeParts = 2 * kPreferredPartBytes + 1000;

class UploadRunTest : public ::testing::Test {
 protected:
  UploadRunTest() {
    request_.path = "sestore4/jb/film.mp4";
    request_.destination_path = "film.mp4";
    request_.bucket = "b";
  }

  // One attempt at the upload, whose end is recorded. If the upload before has ended, `request_` makes a new one.
  void run() {
    run(claim());
    if (ending_) stores_.finish(lease_, *ending_).value();
    if (requeued_) stores_.requeue(lease_, *requeued_).value();
  }
  // The attempt alone.
  void run(const ClaimedUpload& claimed) {
    ending_.reset();
    requeued_.reset();
    lease_ = claimed.lease;
    const RunContext context{accounts_.directory, storages_, objects_,   journal_,
                             stores_.clock,       2,         readiness_, &collector_};
    const auto end = UploadRun(context, claimed, control_).run();
    if (!end) return;
    if (const auto* ending = std::get_if<UploadEnding>(&*end)) ending_ = *ending;
    if (const auto* requeue = std::get_if<Requeue>(&*end)) requeued_ = *requeue;
  }

  ClaimedUpload claim() {
    if (id_ == 0 || is_end(stores_.look(id_).state)) id_ = stores_.insert(request_, 1000);
    return stores_.claim(id_);
  }
  // What the next attempt continues.
  OpenMultipart journal() {
    const ClaimedUpload claimed = claim();
    EXPECT_TRUE(stores_.requeue(claimed.lease));
    return claimed.journal;
  }
  // Changes what is recorded of the open multipart upload.
  void change_journal(const std::function<void(OpenMultipart&)>& edit) {
    const ClaimedUpload claimed = claim();
    OpenMultipart journal = claimed.journal;
    edit(journal);
    EXPECT_TRUE(stores_.node.journal.record_multipart(claimed.lease, journal));
    EXPECT_TRUE(stores_.requeue(claimed.lease));
  }
  // An earlier attempt has opened the multipart upload "old" at this endpoint.
  void begin_at(const std::string& endpoint) {
    const ClaimedUpload claimed = claim();
    EXPECT_TRUE(stores_.node.journal.intend(claimed.lease, {endpoint, request_.bucket, request_.destination_path}));
    EXPECT_TRUE(stores_.node.journal.record_multipart(
        claimed.lease, {"old", endpoint, kPreferredPartBytes, {}, ChecksumMode::crc32c, Acl::private_acl, {}}));
    EXPECT_TRUE(stores_.requeue(claimed.lease));
  }

  // The error that the upload went back into the queue with.
  [[nodiscard]] std::optional<UploadError> requeue_error() const { return requeued_ ? requeued_->error : std::nullopt; }

  void expect_completed() {
    ASSERT_TRUE(ending_) << (requeue_error() ? requeue_error()->message : "no end recorded");
    EXPECT_EQ(ending_->state, UploadState::completed) << (ending_->error ? ending_->error->message : "");
    EXPECT_EQ(stores_.look(id_).state, UploadState::completed);
    EXPECT_TRUE(objects_.open.empty());
  }
  void expect_failed(Errc code) {
    ASSERT_TRUE(ending_);
    EXPECT_EQ(ending_->state, UploadState::failed);
    ASSERT_TRUE(ending_->error);
    EXPECT_EQ(ending_->error->code, code) << ending_->error->message;
    EXPECT_EQ(stores_.look(id_).state, UploadState::failed);
    EXPECT_TRUE(objects_.open.empty()) << "nothing stays open behind a failed upload";
  }
  void expect_not_completed() { EXPECT_NE(stores_.look(id_).state, UploadState::completed); }

  Stores stores_;
  WatchedJournal journal_{stores_.node.journal};
  OneBucket accounts_;
  MemoryStorages storages_;
  MemoryObjects objects_;
  UploadRequest request_;
  UploadId id_ = 0;
  Lease lease_;  // of the last attempt
  std::optional<UploadEnding> ending_;
  std::optional<Requeue> requeued_;
  RunControl control_;
  SourceReadiness readiness_;
  memory::MemoryStatistics statistics_{stores_.database};
  StatisticsCollector collector_{statistics_};
};

}  // namespace vodlift::worker
