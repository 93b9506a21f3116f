// The multipart upload of one attempt: opens or resumes it, sends its parts, completes it and confirms the object.
#pragma once

#include <optional>
#include <vector>

#include "core/part_plan.h"
#include "worker/attempt.h"
#include "worker/part_sender.h"
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

  // Whether the journal has every part of the version that it was begun with: Complete may have been sent.
  [[nodiscard]] bool all_sent() const;

  // Looks for the object that the journal's parts make, without the source; only if all_sent(). Nothing: it is not
  // there, or cannot be seen. Errors: s3_integrity (it has other bytes), s3_rejected (it is encrypted otherwise than
  // asked), those of ObjectStore::head() and read().
  Result<std::optional<Verification>> find_completed();
  // What an object has that the open multipart upload makes.
  [[nodiscard]] std::int64_t size() const { return journal_.source.size; }
  [[nodiscard]] Acl acl() const { return journal_.acl; }

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
  Result<Verification> complete_unread(const PartPlan& plan);
  Result<CompletedObject> put_together(const PartPlan& plan);
  Result<Verification> read_unverified(Result<Verification> found);
  bool parts_verified(const PartPlan& plan);
  Result<bool> find_before_sending();
  Result<std::optional<Verification>> look_for_completed();
  Result<Verification> verify(const CompletedObject& object);
  Result<Verification> check(const ObjectInfo& object) const;
  bool is_ours(const ObjectInfo& object, std::string_view completed_etag);
  [[nodiscard]] bool is_awaited() const;
  void note_unanswered();
  Error awaited(const Error& why);
  Result<> forget();
  [[nodiscard]] std::uint32_t whole_crc() const;
  Result<> check_encryption(const ObjectInfo& object) const;
  Result<> record(const OpenMultipart& journal);
  Result<> record(const Part& part);
  Result<> record_part(const Part& part);
  void tell_part(int number, std::int64_t size, PartSender::Instant began, const Result<StoredBytes>& result);
  bool lies_elsewhere() const;

  const RunContext& context_;
  const ClaimedUpload& claimed_;
  RunControl& control_;
  Attempt& attempt_;
  OpenMultipart journal_;
  bool resumed_ = false;                      // it is that of an earlier attempt
  bool listed_ = true;                        // the store said which of its parts are there
  bool parts_verified_ = false;               // see ObjectToCheck
  std::optional<CompletedObject> completed_;  // Complete's answer
  std::optional<Verification> found_;         // the object of a Complete whose answer was lost
  std::string seen_token_;  // the mark of the object that was recognised; empty where the store keeps none
};

}  // namespace vodlift::worker
