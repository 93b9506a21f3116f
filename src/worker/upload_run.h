// One attempt at one upload, from the open file to the confirmed object.
#pragma once

#include "worker/attempt.h"
#include "worker/multipart_run.h"
#include "worker/run_control.h"

namespace vodlift::worker {

// Runs on one thread, blocking; read run() from top to bottom.
class UploadRun {
 public:
  UploadRun(const RunContext& context, ClaimedUpload claimed, RunControl& control);

  // Does the work. Answers how it completed, which the caller has to record; any other end (failed, queued again) is
  // recorded already, and answers nothing. Never throws.
  std::optional<UploadEnding> run() noexcept;

 private:
  Result<UploadEnding> attempt();
  Result<UploadEnding> attempt_once(const BucketAccess& access);
  Result<UploadEnding> leave_alone(const ObjectInfo& there);
  Result<UploadEnding> after_lost_race(const Error& refusal);
  Result<> check_quiet();
  Result<> check_source();
  Result<Verification> send_whole();
  Result<RangeChecksum> checksum_whole(bool with_md5);
  Result<Verification> verify(const StoredBytes& stored, const RangeChecksum& checksum);
  Result<StoredBytes> put_whole(const RangeChecksum& checksum);
  bool falls_back_to_private(const Error& error);
  void record_failure(Error error);
  Result<> finish(const UploadEnding& ending);
  Result<> requeue(const Requeue& how);
  Result<> record_what_came(const Error& error);
  bool may_wait_for_source() const;

  const RunContext& context_;
  const ClaimedUpload claimed_;
  RunControl& control_;
  Attempt attempt_;
  MultipartRun multipart_;
  std::shared_ptr<const std::uint8_t[]> bytes_;  // of a small source: what was hashed is what is sent
  WallTime quiet_at_;                            // when a source that is being written may be looked at again
};

}  // namespace vodlift::worker
