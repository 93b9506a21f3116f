// One upload's run against an object store and a storage in memory.
#pragma once

#include <gtest/gtest.h>

#include "core/part_plan.h"
#include "worker/fakes_test.h"
#include "worker/upload_run.h"

namespace vodlift::worker {

inline constexpr std::size_t kThreeParts = 2 * kPreferredPartBytes + 1000;

class UploadRunTest : public ::testing::Test {
 protected:
  UploadRunTest() {
    claimed_.lease = {1, 1};
    claimed_.upload.id = 1;
    claimed_.upload.account = 158;
    claimed_.upload.attempts = 1;
    claimed_.upload.request.path = "sestore4/jb/film.mp4";
    claimed_.upload.request.destination_path = "film.mp4";
    claimed_.upload.request.bucket = "b";
    claimed_.token = "token-1";
  }

  void run() {
    const RunContext context{accounts_.directory, storages_, objects_, uploads_, clock_, 2, readiness_};
    const auto end = UploadRun(context, claimed_, control_).run();
    if (!end) return;
    if (const auto* ending = std::get_if<UploadEnding>(&*end)) {
      uploads_.ending = *ending;
    } else {
      uploads_.requeued = std::get<Requeue>(*end);
    }
  }

  // The error that the upload went back into the queue with.
  [[nodiscard]] std::optional<UploadError> requeue_error() const {
    return uploads_.requeued ? uploads_.requeued->error : std::nullopt;
  }

  void expect_completed() {
    ASSERT_TRUE(uploads_.ending) << (requeue_error() ? requeue_error()->message : "no end recorded");
    EXPECT_EQ(uploads_.ending->state, UploadState::completed)
        << (uploads_.ending->error ? uploads_.ending->error->message : "");
    EXPECT_TRUE(objects_.open.empty());
  }
  void expect_failed(Errc code) {
    ASSERT_TRUE(uploads_.ending);
    EXPECT_EQ(uploads_.ending->state, UploadState::failed);
    ASSERT_TRUE(uploads_.ending->error);
    EXPECT_EQ(uploads_.ending->error->code, code) << uploads_.ending->error->message;
    EXPECT_TRUE(objects_.open.empty()) << "nothing stays open behind a failed upload";
  }

  StoppedClock clock_;
  MemoryUploads uploads_;
  OneBucket accounts_;
  MemoryStorages storages_;
  MemoryObjects objects_;
  ClaimedUpload claimed_;
  RunControl control_;
  SourceReadiness readiness_;
};

}  // namespace vodlift::worker
