// What one attempt at an upload works with: the ports, the source, and the object to be written.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/clock.h"
#include "core/account_directory.h"
#include "core/multipart_journal.h"
#include "core/object_store.h"
#include "core/retry_policy.h"
#include "core/span.h"
#include "core/statistics_collector.h"
#include "core/storage.h"
#include "core/upload.h"
#include "core/upload_options.h"
#include "core/work_queue.h"
#include "worker/run_control.h"
#include "worker/source_check.h"

namespace vodlift::worker {

// The ports and settings that every attempt uses. All must outlive it.
struct RunContext {
  AccountDirectory& accounts;
  Storages& storages;
  ObjectStore& objects;
  MultipartJournal& journal;
  const Clock& clock;
  int parts_per_upload = 4;
  SourceReadiness readiness{};
  StatisticsCollector* statistics = nullptr;  // null: none are wanted
  SpanSink* spans = nullptr;                  // null: none are wanted
};

// What lies at the object's key already, for an upload that must not replace another's object. One per attempt; one
// thread.
class Destination {
 public:
  // `token` marks the objects of this upload.
  Destination(ObjectStore& objects, Overwrite overwrite, std::string token)
      : objects_(objects), overwrite_(overwrite), token_(std::move(token)) {}

  // Looks at the key and sets condition(), under which the object must be written from then on. Returns the object of
  // another upload or program that is there. Returns nothing if the key is free, if the object there is this upload's
  // own, if the object cannot be seen (the condition covers that case), and whenever the upload may replace. Blocks.
  Result<std::optional<ObjectInfo>> look(const ObjectTarget& target, RunControl& control);

  [[nodiscard]] WriteCondition condition() const { return condition_; }

 private:
  ObjectStore& objects_;
  const Overwrite overwrite_;
  const std::string token_;
  WriteCondition condition_ = WriteCondition::none;
};

// Filled in step by step by UploadRun; used by MultipartRun. One thread.
struct Attempt {
  Destination destination;
  std::optional<ExpectedChecksum> expected;  // of the source, if the client gave one
  ObjectTarget target{};
  std::shared_ptr<std::atomic<bool>> failed = std::make_shared<std::atomic<bool>>(false);  // see ObjectTarget
  ObjectProperties properties{};
  std::shared_ptr<const SourceFile> source{};
  // Each store into the source since it was opened moves its times. Otherwise only its content tells.
  bool settled = false;
  std::string storage{};  // the storage that holds the source
  // The last PutObject or Complete that may have put the object in its place, of this run or of an earlier one.
  // Nothing: there was none, or its end is known.
  std::optional<Unanswered> unanswered{};
  bool sent_unanswered = false;  // this run sent it
  // What this run sent in a PutObject or Complete that was refused. A proxy may refuse what the store has done already.
  std::optional<SentBytes> refused{};
  bool looks_again = false;  // nothing is sent now: the object may still come

  // A request of this run may have put the object in its place at `now`; `sent` is the object.
  void is_unanswered(WallTime now, SentBytes sent) {
    unanswered = {now, sent};
    sent_unanswered = true;
  }
  // Such a request of this run ended with `code` at `now`.
  void has_failed(Errc code, WallTime now, SentBytes sent) {
    if (may_have_landed(code)) return is_unanswered(now, sent);
    refused = sent;
  }
  // The wait before the next look for the object; nothing: it is not awaited, or not any more.
  [[nodiscard]] std::optional<std::chrono::milliseconds> next_look(WallTime now) const {
    if (!unanswered) return std::nullopt;
    return look_again_delay(std::chrono::floor<std::chrono::milliseconds>(now - unanswered->since),
                            unanswered->sent ? kLookFor : kLookForAfterCrash);
  }
};

// What the parts of an upload to `access` must keep to at present.
PartBounds part_bounds(const BucketAccess& access, const ObjectStore& objects);

// What the queue must record of an attempt: that the upload ended, or that it waits again.
using RunEnd = std::variant<UploadEnding, Requeue>;

// For logs and messages.
std::string object_name(const Upload& upload);

// The span of the run that has this claim.
std::string span_of_run(const ClaimedUpload& claimed);

}  // namespace vodlift::worker
