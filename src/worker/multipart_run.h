// The multipart upload of one attempt: opens or resumes it, sends its parts, completes it and confirms the object.
#pragma once

#include <optional>
#include <vector>

#include "core/part_plan.h"
#include "worker/attempt.h"
#include "worker/run_control.h"

namespace vodlift::worker {

// One per run, on its thread, blocking. Whatever it opens is in the ledger before it is opened, and in the journal
// after.
class MultipartRun {
 public:
  // All must outlive it.
  MultipartRun(const RunContext& context, const ClaimedUpload& claimed, RunControl& control, Attempt& attempt)
      : context_(context), claimed_(claimed), control_(control), attempt_(attempt), journal_(claimed.journal) {}

  // Whether a multipart upload of exactly this version of the source is open, perhaps from an earlier attempt.
  [[nodiscard]] bool has_begun(const SourceIdentity& source) const {
    return !journal_.multipart_id.empty() && journal_.source == source;
  }

  // The same for a version that has only another change time, so that its content must tell.
  [[nodiscard]] bool may_have_begun(const SourceIdentity& source) const {
    return !journal_.multipart_id.empty() && journal_.source.may_equal(source);
  }

  // Sends the attempt's source as the attempt's object. Parts that an earlier attempt has sent are not sent again.
  Result<Verification> send();

  // Aborts the open multipart upload, if any, and clears the journal. If the store cannot abort it now, the reaper
  // aborts it later.
  Result<> abandon();

 private:
  Result<PartPlan> open();
  Result<Multipart> create();
  Result<std::optional<PartPlan>> resume();
  Result<> start_over();
  Result<bool> still_holds(const PartPlan& plan);
  Result<> confirm_source(const PartPlan& plan);
  Result<> adopt_parts(const std::vector<ListedPart>& listed, const PartPlan& plan);
  Result<std::optional<Part>> adopt(const ListedPart& listed, const PartPlan& plan);
  Result<Verification> complete(const PartPlan& plan);
  Result<Verification> complete_unread(const PartPlan& plan, std::uint32_t crc);
  bool parts_verified(const PartPlan& plan);
  Result<std::optional<Verification>> look_for_completed(std::uint32_t crc);
  Result<Verification> verify(const CompletedObject& object, std::uint32_t crc);
  Result<> check_encryption(const ObjectInfo& object) const;
  Result<> record(const OpenMultipart& journal);
  Result<> record(const Part& part);
  Result<> record_part(const Part& part);
  bool lies_elsewhere() const;

  const RunContext& context_;
  const ClaimedUpload& claimed_;
  RunControl& control_;
  Attempt& attempt_;
  OpenMultipart journal_;
  bool resumed_ = false;         // it is that of an earlier attempt
  bool parts_verified_ = false;  // see ObjectToCheck
};

}  // namespace vodlift::worker
