// One attempt at one upload, from the open file to the confirmed object.
#pragma once

#include <memory>
#include <optional>

#include "core/account_store.h"
#include "core/multipart_ledger.h"
#include "core/object_store.h"
#include "core/part_plan.h"
#include "core/storage.h"
#include "core/upload_options.h"
#include "core/upload_store.h"
#include "worker/destination.h"
#include "worker/run_control.h"
#include "worker/source_readiness.h"

namespace vodlift::worker {

// What a run needs of its surroundings; all must outlive it.
struct RunContext {
  UploadStore& uploads;
  const AccountStore& accounts;
  Storages& storages;
  ObjectStore& objects;
  MultipartLedger& ledger;
  const Clock& clock;
  int parts_per_upload = 4;
  SourceReadiness readiness{};
};

// Runs on one thread, blocking; read run() from top to bottom.
class UploadRun {
 public:
  UploadRun(const RunContext& context, ClaimedUpload claimed, RunControl& control);

  // Does the work and records how it ended: completed, failed, or queued again. Never throws.
  void run() noexcept;

 private:
  Result<UploadStore::Ending> attempt();
  Result<UploadStore::Ending> attempt_once(const BucketAccess& access);
  Result<UploadStore::Ending> leave_alone(const ObjectInfo& there);
  Result<UploadStore::Ending> after_lost_race(const Error& refusal);
  Result<> check_quiet();
  Result<> check_source();
  Result<Verification> send_whole();
  Result<StoredBytes> put_whole(const RangeChecksum& checksum);
  Result<Verification> send_in_parts();
  Result<PartPlan> open_multipart();
  Result<Multipart> create_multipart();
  Result<std::optional<PartPlan>> resume_multipart();
  Result<> adopt_parts(const std::vector<ListedPart>& listed, const PartPlan& plan);
  Result<std::optional<Part>> adopt(const ListedPart& listed, const PartPlan& plan);
  Result<Verification> complete(const PartPlan& plan);
  Result<std::optional<Verification>> look_for_completed(std::uint32_t crc);
  Result<Verification> verify(const CompletedObject& object, std::uint32_t crc);
  Result<> record_part(const Part& part);
  Result<> abandon_multipart();
  bool lies_elsewhere() const;
  bool falls_back_to_private(const Error& error);
  void record_success(const UploadStore::Ending& ending);
  void record_failure(Error error);
  Result<> record_what_came(const Error& error);
  bool may_wait_for_source() const;

  const RunContext& context_;
  const ClaimedUpload claimed_;
  RunControl& control_;
  MultipartJournal journal_;
  Destination destination_;
  std::optional<ExpectedChecksum> expected_;  // of the source
  ObjectTarget target_;
  ObjectProperties properties_;
  std::shared_ptr<const SourceFile> source_;
  WallTime quiet_at_;  // when a source that is being written may be looked at again
};

}  // namespace vodlift::worker
