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

  // Does the work, and returns what the caller must record. Nothing: the lease is lost, so there is nothing to record.
  // Never throws.
  std::optional<RunEnd> run() noexcept;

 private:
  Result<UploadEnding> attempt();
  Result<UploadEnding> attempt_once(const BucketAccess& access);
  Result<UploadEnding> attempt_with_fitting_parts(const BucketAccess& access);
  Result<UploadEnding> leave_alone(const ObjectInfo& there);
  Result<UploadEnding> after_lost_race(const Error& refusal);
  Result<> check_quiet();
  Result<> check_source();
  Result<Verification> send_whole();
  Result<RangeChecksum> checksum_version(bool with_md5);
  Result<RangeChecksum> checksum_whole(bool with_md5);
  Result<Verification> verify(const StoredBytes& stored, const RangeChecksum& checksum);
  Result<StoredBytes> put_whole(const RangeChecksum& checksum);
  Result<std::optional<Verification>> find_whole(const RangeChecksum& checksum);
  bool falls_back_to_private(const Error& error);
  [[nodiscard]] RunEnd after_no_memory() const;
  std::optional<RunEnd> after_error(Error error);
  std::optional<RunEnd> wait_for_source(const Error& error);
  RunEnd queue_for_store(std::chrono::milliseconds again_in, const Error& error);
  RunEnd queue_again(std::chrono::milliseconds delay, const Error& error, bool failed_attempt);
  RunEnd fail_unless_found(const Error& error);
  void note_unanswered(Requeue& how) const;
  UploadEnding failed(const UploadError& error);
  bool may_wait_for_source() const;
  std::chrono::milliseconds source_delay() const;
  std::optional<std::chrono::milliseconds> wait_for_store(const Error& error);

  const RunContext context_;
  const ClaimedUpload claimed_;
  RunControl& control_;
  Attempt attempt_;
  MultipartRun multipart_;
  std::shared_ptr<std::uint8_t[]> bytes_;  // of a small source: what was hashed is what is sent
  SourceIdentity version_;                 // of a source that is sent whole, after it was hashed
  bool told_begin_ = false;                // in the log, once a run
  std::optional<WallTime> quiet_at_;       // when a source that is being written may be looked at again
};

}  // namespace vodlift::worker
