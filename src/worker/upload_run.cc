#include "worker/upload_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/log.h"
#include "core/content_type.h"
#include "core/upload_request.h"
#include "worker/object_check.h"
#include "worker/part_sender.h"
#include "worker/range_checksum.h"
#include "worker/source_checksum.h"

namespace vodlift::worker {
namespace {

std::string name_of(const Upload& upload) {
  return fmt::format("s3://{}/{}", upload.request.bucket, upload.request.destination_path);
}

}  // namespace

UploadRun::UploadRun(const RunContext& context, ClaimedUpload claimed, RunControl& control)
    : context_(context),
      claimed_(std::move(claimed)),
      control_(control),
      journal_(claimed_.journal),
      destination_(context.objects, claimed_.upload.request.options.overwrite, claimed_.token),
      expected_(parse_checksum(claimed_.upload.request.options.checksum)) {
  const UploadRequest& request = claimed_.upload.request;
  const UploadOptions& options = request.options;
  properties_.metadata = request.metadata;
  properties_.token = claimed_.token;
  properties_.acl = request.acl;
  properties_.content_type =
      options.content_type.empty() ? content_type_for(request.destination_path) : options.content_type;
  properties_.cache_control = options.cache_control;
  properties_.content_disposition = options.content_disposition;
  properties_.storage_class = options.storage_class;
  properties_.tags = options.tags;
}

void UploadRun::run() noexcept {
  try {
    auto ending = attempt();
    if (ending) {
      record_success(*ending);
    } else {
      record_failure(ending.error());
    }
  } catch (const std::exception& failure) {
    log::error("an upload hit a bug", {{"upload", claimed_.lease.id}, {"reason", failure.what()}});
    record_failure(Error{Errc::internal, "unexpected error; the server's log has the details"});
  }
}

// A source that changes under our hands gets a second start, from its new version; so do parts that the store confirmed
// and then does not know, or that it refuses because somebody else wrote the object meanwhile. After that they are left
// alone.
Result<UploadStore::Ending> UploadRun::attempt() {
  const Upload& upload = claimed_.upload;
  const auto access = context_.accounts.find_bucket(upload.account, upload.request.bucket);
  if (!access) {
    return Error{Errc::bucket_not_configured, fmt::format("bucket {} is not configured for account {} any more",
                                                          upload.request.bucket, upload.account)};
  }
  auto ending = attempt_once(*access);
  if (!ending && falls_back_to_private(ending.error())) ending = attempt_once(*access);
  const auto starts_over_after = [](Errc code) {
    return code == Errc::source_changed || code == Errc::s3_parts_refused || code == Errc::s3_conflict;
  };
  const bool starts_over = !ending && starts_over_after(ending.error().code);
  if (starts_over) {
    log::warn("starting over", {{"upload", upload.id}, {"reason", ending.error().message}});
    if (auto gone = abandon_multipart(); !gone) return gone.error();
    ending = attempt_once(*access);
  }
  return ending;
}

Result<UploadStore::Ending> UploadRun::attempt_once(const BucketAccess& access) {
  const UploadRequest& request = claimed_.upload.request;
  target_ = {access, request.destination_path};

  const auto path = parse_source_path(request.path);
  if (!path) return path.error();
  auto opened = context_.storages.open(*path);
  if (!opened) {
    Error error = opened.error();
    if (error.code == Errc::source_not_found) error.code = Errc::source_missing;
    if (error.code == Errc::storage_unknown) error.code = Errc::storage_removed;  // it was known when it was queued
    return error;
  }
  source_ = std::move(*opened);
  if (auto quiet = check_quiet(); !quiet) return quiet.error();

  const auto there = destination_.look(target_, control_);
  if (!there) return there.error();
  if (*there) return leave_alone(**there);
  if (auto meant = check_source(); !meant) return meant.error();

  const std::int64_t size = source_->identity().size;
  auto verification = wants_multipart(size) ? send_in_parts() : send_whole();
  if (!verification && verification.error().code == Errc::destination_exists) {
    return after_lost_race(verification.error());
  }
  if (!verification) return verification.error();
  UploadStore::Ending ending;
  ending.state = UploadState::completed;
  ending.size = size;
  ending.acl_applied = properties_.acl;
  ending.verification = std::move(*verification);
  return ending;
}

// The end of an upload that finds somebody else's object where it may not replace one.
Result<UploadStore::Ending> UploadRun::leave_alone(const ObjectInfo& there) {
  if (claimed_.upload.request.options.overwrite == Overwrite::fail) {
    return Error{
        Errc::destination_exists,
        fmt::format("destination_path: {} is there already and was left as it is (overwrite=fail); give another "
                    "destination_path, or overwrite=replace",
                    name_of(claimed_.upload))};
  }
  if (auto gone = abandon_multipart(); !gone) return gone.error();
  UploadStore::Ending ending;
  ending.state = UploadState::completed;
  ending.size = std::max<std::int64_t>(there.size, 0);
  ending.verification = {unquoted_etag(there.etag), "", there.version_id};
  return ending;
}

// The store refused the object because one is there that was not there before, or could not be seen.
Result<UploadStore::Ending> UploadRun::after_lost_race(const Error& refusal) {
  const auto there = destination_.look(target_, control_);
  if (!there) return there.error();
  if (*there) return leave_alone(**there);
  if (destination_.condition() == WriteCondition::absent)
    return leave_alone(ObjectInfo{source_->identity().size, "", "", "", ""});
  return Error{Errc::s3_conflict, refusal.message + "; and now it is gone again"};
}

// A version whose parts are at the store already was quiet when they were begun.
Result<> UploadRun::check_quiet() {
  if (!journal_.multipart_id.empty() && journal_.source == source_->identity()) return {};
  const auto quiet = quiet_at(source_->identity(), context_.readiness, context_.clock.now());
  if (!quiet) return {};
  quiet_at_ = *quiet;
  return Error{Errc::source_busy,
               fmt::format("file {} is still being written: it was changed less than {} s ago, and is sent once it has "
                           "been left alone for that long",
                           printable(claimed_.upload.request.path),
                           std::chrono::ceil<std::chrono::seconds>(context_.readiness.quiet).count())};
}

// Before anything is sent. One whose parts are at the store already was checked before they were sent.
Result<> UploadRun::check_source() {
  const bool checked = !journal_.multipart_id.empty() && journal_.source == source_->identity();
  if (!expected_ || checked) return {};
  return check_by_reading(*source_, *expected_, control_);
}

Result<Verification> UploadRun::send_whole() {
  if (auto gone = abandon_multipart(); !gone) return gone.error();
  const std::int64_t size = source_->identity().size;
  Result<RangeChecksum> checksum = Error{};
  const auto stored = with_retries(control_, [&]() -> Result<StoredBytes> {
    // Another upload may just have learned that this store needs MD5.
    const bool with_md5 = context_.objects.checksum_mode(target_.access) != ChecksumMode::crc32c;
    if (!checksum || (with_md5 && checksum->md5.empty())) checksum = checksum_range(*source_, 0, size, with_md5);
    if (!checksum) return checksum.error();
    if (expected_) {
      if (auto meant = check_crc32c(*expected_, checksum->crc32c); !meant) return meant.error();
    }
    // Checked after hashing and before sending: what the store then confirms by this checksum is the version hashed.
    if (auto same = source_->check_unchanged(); !same) return same.error();
    auto sent = put_whole(*checksum);
    // Bytes that are not the hashed ones: was the file written to meanwhile? Then say so.
    if (!sent && sent.error().code == Errc::s3_integrity) {
      if (auto same = source_->check_unchanged(); !same) return same.error();
    }
    return sent;
  });
  if (!stored) return stored.error();
  return verification_of(*stored, *checksum);
}

Result<StoredBytes> UploadRun::put_whole(const RangeChecksum& checksum) {
  const auto put = [&] {
    return context_.objects.put_object(target_, properties_, Body{source_, 0, source_->identity().size, control_.cut()},
                                       checksum, destination_.condition());
  };
  auto sent = put();
  if (sent || sent.error().code != Errc::destination_exists) return sent;
  // What is in the way may be what this upload put there itself, and never heard of.
  const auto there = destination_.look(target_, control_);
  if (!there) return there.error();
  if (*there || destination_.condition() != WriteCondition::none) return sent;
  return put();
}

Result<Verification> UploadRun::send_in_parts() {
  auto resumed = resume_multipart();
  if (!resumed) return resumed.error();
  const Result<PartPlan> plan = *resumed ? Result<PartPlan>(**resumed) : open_multipart();
  if (!plan) return plan.error();

  std::vector<int> missing;
  for (int number = 1; number <= plan->count; ++number) {
    const auto same_number = [number](const Part& part) { return part.number == number; };
    if (std::none_of(journal_.parts.begin(), journal_.parts.end(), same_number)) missing.push_back(number);
  }
  const Multipart multipart{journal_.multipart_id, *checksum_mode_from(journal_.checksum_mode)};
  PartSender sender(context_.objects, {target_, multipart, source_, *plan, context_.parts_per_upload}, control_,
                    [this](const Part& part) { return record_part(part); });
  auto sent = sender.send(missing);
  if (sent) sent = source_->check_unchanged();
  if (sent) return complete(*plan);
  if (sent.error().code == Errc::s3_no_such_upload) {
    // Aborted by somebody else, or by a lifecycle rule: what was sent is gone.
    journal_ = {};
    if (auto forgotten = context_.uploads.record_multipart(claimed_.lease, journal_); !forgotten)
      return forgotten.error();
  }
  return sent.error();
}

// Every Create is in the ledger before it is sent: should its answer never be known, what it opened is found again.
Result<Multipart> UploadRun::create_multipart() {
  const MultipartPlace place{target_.access.endpoint, target_.access.bucket, target_.key};
  bool intended = false;
  auto multipart = with_retries(control_, [&]() -> Result<Multipart> {
    if (!intended) {
      if (auto recorded = context_.ledger.intend(claimed_.lease, place); !recorded) return recorded.error();
      intended = true;
    }
    auto created = context_.objects.create_multipart(target_, properties_);
    if (!created && create_may_have_worked(created.error().code)) intended = false;
    return created;
  });
  // Without the withdrawal the next round of the reaper finds that nothing is there.
  if (!multipart && intended) (void)context_.ledger.withdraw(claimed_.lease);
  return multipart;
}

Result<PartPlan> UploadRun::open_multipart() {
  auto plan = plan_parts(source_->identity().size);
  if (!plan) return plan;
  const auto multipart = create_multipart();
  if (!multipart) return multipart.error();
  journal_ = {multipart->id,
              target_.access.endpoint,
              plan->part_size,
              source_->identity(),
              std::string(to_string(multipart->mode)),
              properties_.acl,
              {}};
  if (auto recorded = context_.uploads.record_multipart(claimed_.lease, journal_); !recorded) {
    // Unrecorded, it would have to be looked for: take it back while its id is known.
    (void)context_.objects.abort_multipart(target_, multipart->id);
    journal_ = {};
    return recorded.error();
  }
  return plan;
}

// The plan of an earlier attempt whose parts can still be used; nothing when a new one must be opened.
Result<std::optional<PartPlan>> UploadRun::resume_multipart() {
  if (journal_.multipart_id.empty()) return std::optional<PartPlan>();
  if (lies_elsewhere()) {
    log::info("the bucket has another endpoint now, starting over", {{"upload", claimed_.lease.id}});
    if (auto left = abandon_multipart(); !left) return left.error();
    return std::optional<PartPlan>();
  }
  const auto plan = plan_with_part_size(source_->identity().size, journal_.part_size);
  if (journal_.source != source_->identity() || !plan || !checksum_mode_from(journal_.checksum_mode)) {
    log::info("source is another version now, starting over", {{"upload", claimed_.lease.id}});
    if (auto gone = abandon_multipart(); !gone) return gone.error();
    return std::optional<PartPlan>();
  }
  properties_.acl = journal_.acl;
  const auto listed =
      with_retries(control_, [&] { return context_.objects.list_parts(target_, journal_.multipart_id); });
  if (listed) {
    if (auto adopted = adopt_parts(*listed, *plan); !adopted) return adopted.error();
    return std::optional<PartPlan>(*plan);
  }
  if (listed.error().code != Errc::s3_no_such_upload) return listed.error();
  // Gone, or completed by an attempt that did not live to hear of it.
  std::uint32_t crc = 0;
  const bool all_known = static_cast<int>(journal_.parts.size()) == plan->count;
  for (const Part& part : journal_.parts) crc = crc32c_combine(crc, part.crc32c, static_cast<std::uint64_t>(part.size));
  if (all_known) {
    const auto found = look_for_completed(crc);
    if (!found) return found.error();
    if (*found) return std::optional<PartPlan>(*plan);
  }
  journal_ = {};
  if (auto forgotten = context_.uploads.record_multipart(claimed_.lease, journal_); !forgotten)
    return forgotten.error();
  return std::optional<PartPlan>();
}

// The store's list decides what is there; the journal only knows what was confirmed before it was written.
Result<> UploadRun::adopt_parts(const std::vector<ListedPart>& listed, const PartPlan& plan) {
  std::vector<Part> kept;
  for (const ListedPart& there : listed) {
    if (auto reason = control_.ended()) return *reason;
    const auto known = std::find_if(journal_.parts.begin(), journal_.parts.end(), [&](const Part& part) {
      return part.number == there.number && part.etag == there.etag && part.size == there.size;
    });
    if (known != journal_.parts.end()) {
      kept.push_back(*known);
      continue;
    }
    auto adopted = adopt(there, plan);
    if (!adopted) return adopted.error();
    if (!*adopted) continue;
    if (auto recorded = context_.uploads.record_part(claimed_.lease, **adopted); !recorded) return recorded;
    kept.push_back(std::move(**adopted));
  }
  log::info("resuming upload", {{"upload", claimed_.lease.id}, {"parts_there", kept.size()}, {"parts", plan.count}});
  journal_.parts = std::move(kept);
  return {};
}

// A part that reached the store but not the journal: ours again if the store's checksum is that of the file.
Result<std::optional<Part>> UploadRun::adopt(const ListedPart& listed, const PartPlan& plan) {
  if (listed.number < 1 || listed.number > plan.count || listed.size != plan.size_of(listed.number)) {
    return std::optional<Part>();
  }
  const auto checksum = checksum_range(*source_, plan.offset_of(listed.number), listed.size, /*with_md5=*/true);
  if (!checksum) return checksum.error();
  if (!part_matches(listed, *checksum)) return std::optional<Part>();
  return std::optional<Part>(Part{listed.number, listed.size, listed.etag, checksum->crc32c, checksum->md5});
}

Result<Verification> UploadRun::complete(const PartPlan& plan) {
  std::sort(journal_.parts.begin(), journal_.parts.end(),
            [](const Part& left, const Part& right) { return left.number < right.number; });
  std::uint32_t crc = 0;
  for (const Part& part : journal_.parts) crc = crc32c_combine(crc, part.crc32c, static_cast<std::uint64_t>(part.size));
  if (expected_) {
    if (auto meant = check_crc32c(*expected_, crc); !meant) return meant.error();
  }
  const Multipart multipart{journal_.multipart_id, *checksum_mode_from(journal_.checksum_mode)};
  return with_retries(control_, [&]() -> Result<Verification> {
    const auto object = context_.objects.complete_multipart(target_, multipart, journal_.parts, crc, plan.size,
                                                            destination_.condition());
    if (object) return verify(*object, crc);
    // No answer, or one to a repeat that says "no such upload" or "is there already", may hide a success: the object
    // itself tells.
    const Errc code = object.error().code;
    const bool in_doubt = code == Errc::network || code == Errc::timeout || code == Errc::s3_unverifiable ||
                          code == Errc::s3_transient || code == Errc::s3_unavailable ||
                          code == Errc::s3_no_such_upload || code == Errc::s3_not_found ||
                          code == Errc::destination_exists;
    if (in_doubt) {
      const auto found = look_for_completed(crc);
      if (found && *found) return **found;
    }
    return object.error();
  });
}

// The object at the key, if it is the very one this upload made (our token, size and checksum).
Result<std::optional<Verification>> UploadRun::look_for_completed(std::uint32_t crc) {
  const auto object = with_retries(control_, [&] { return context_.objects.head(target_); });
  if (!object) {
    // Some stores answer 403 for an object that is not there to a key that may not list.
    const bool absent = object.error().code == Errc::s3_not_found || object.error().code == Errc::s3_access_denied;
    if (absent) return std::optional<Verification>();
    return object.error();
  }
  if (object->token != claimed_.token) return std::optional<Verification>();
  auto checked = check_object({*object, journal_.parts, crc, source_->identity().size});
  if (!checked) return std::optional<Verification>();
  return std::optional<Verification>(std::move(*checked));
}

// The answer to Complete says the parts are one object; HEAD says how large it is and, again, what is in it.
Result<Verification> UploadRun::verify(const CompletedObject& object, std::uint32_t crc) {
  const auto head = with_retries(control_, [&] { return context_.objects.head(target_); });
  ObjectInfo info;
  if (head) {
    info = *head;
  } else if (head.error().code == Errc::s3_access_denied) {
    // A key that may write but not read: what the store said of the whole in its answer to Complete must do. It took
    // the size along with the checksum.
    info = {source_->identity().size, object.etag, object.checksum, claimed_.token, object.version_id};
  } else {
    // The parts are an object by now: what cannot be confirmed is tried again, never called a failure at once.
    Error error = with_context("confirming the object", head.error());
    if (!error.retryable()) error.code = Errc::s3_unverifiable;
    return error;
  }
  if (info.token != claimed_.token) {
    return Error{Errc::s3_unverifiable, fmt::format("{} was replaced by somebody else while it was being confirmed",
                                                    name_of(claimed_.upload))};
  }
  if (info.checksum.empty()) info.checksum = object.checksum;
  if (info.version_id.empty()) info.version_id = object.version_id;
  return check_object({info, journal_.parts, crc, source_->identity().size});
}

Result<> UploadRun::record_part(const Part& part) {
  if (auto recorded = context_.uploads.record_part(claimed_.lease, part); !recorded) return recorded;
  journal_.parts.push_back(part);
  return {};
}

// The open multipart upload is at another endpoint than the bucket now: what the store says of it does not count.
bool UploadRun::lies_elsewhere() const {
  return !journal_.endpoint.empty() && journal_.endpoint != target_.access.endpoint;
}

// Drops an open multipart upload at the store and in the journal; where the store does not let go of it, it is left to
// the reaper.
Result<> UploadRun::abandon_multipart() {
  if (journal_.multipart_id.empty()) return {};
  Result<> aborted = Error{Errc::bucket_not_configured, "it lies at an endpoint that is not the bucket's any more"};
  if (!lies_elsewhere()) {
    aborted = with_retries(control_, [&] { return context_.objects.abort_multipart(target_, journal_.multipart_id); });
  }
  if (!aborted && control_.ended()) return aborted;
  const std::string multipart_id = std::exchange(journal_, {}).multipart_id;
  if (aborted) return context_.uploads.record_multipart(claimed_.lease, journal_);
  log::warn("an open multipart upload could not be aborted; it will be tried again",
            {{"upload", claimed_.lease.id},
             {"object", name_of(claimed_.upload)},
             {"multipart", multipart_id},
             {"reason", aborted.error().message}});
  return context_.ledger.leave(claimed_.lease);
}

bool UploadRun::falls_back_to_private(const Error& error) {
  if (error.code != Errc::s3_acl_refused || target_.access.acl_policy != AclPolicy::private_acl) return false;
  log::warn("bucket refuses acl=public-read, uploading as private",
            {{"upload", claimed_.lease.id}, {"bucket", target_.access.bucket}});
  properties_.acl = Acl::private_acl;
  return true;
}

void UploadRun::record_success(const UploadStore::Ending& ending) {
  const auto finish = [&] { return context_.uploads.finish(claimed_.lease, ending); };
  auto finished = finish();
  // The work is done; a database that stumbles must not have it done again.
  if (!finished && finished.error().code == Errc::store_failed) finished = with_retries(control_, finish);
  if (finished) {
    log::info("upload completed", {{"upload", claimed_.lease.id},
                                   {"bytes", ending.size},
                                   {"object", name_of(claimed_.upload)},
                                   {"checksum", ending.verification.checksum}});
  } else {
    // The lease runs out and the next attempt finds the object by its token, or sends a small one again.
    log::error("a completed upload could not be recorded",
               {{"upload", claimed_.lease.id}, {"reason", finished.error().message}});
  }
}

// Waiting for a source costs no attempt, but it has an end of its own.
bool UploadRun::may_wait_for_source() const {
  const Upload& upload = claimed_.upload;
  return context_.clock.now() < upload.started.value_or(upload.created) + context_.readiness.wait;
}

// Back into the queue, or failed: what an attempt that ended with `error` leads to.
Result<> UploadRun::record_what_came(const Error& error) {
  const UploadError shown{error.code, error.message, error.retryable()};
  const WallTime now = context_.clock.now();
  if (error.code == Errc::interrupted) {
    return context_.uploads.requeue(claimed_.lease, now, std::nullopt, /*counts=*/false);
  }
  const bool busy = error.code == Errc::source_busy;
  if (busy && may_wait_for_source()) {
    log::info("waiting for a source that is being written", {{"upload", claimed_.lease.id}, {"reason", error.message}});
    return context_.uploads.requeue(claimed_.lease, quiet_at_, shown, /*counts=*/false);
  }
  const auto delay = busy ? std::nullopt : upload_retry_delay(error, claimed_.upload.attempts, random_unit());
  if (delay) {
    log::warn("upload will be tried again", {{"upload", claimed_.lease.id},
                                             {"code", info(error.code).name},
                                             {"reason", error.message},
                                             {"in_ms", delay->count()}});
    return context_.uploads.requeue(claimed_.lease, now + *delay, shown, /*counts=*/true);
  }
  log::warn("upload failed",
            {{"upload", claimed_.lease.id}, {"code", info(error.code).name}, {"reason", error.message}});
  // What cannot be dropped now is in the ledger, and left to the reaper by the end itself.
  (void)abandon_multipart();
  UploadStore::Ending ending;
  ending.state = UploadState::failed;
  ending.size = source_ != nullptr ? source_->identity().size : claimed_.upload.size;
  ending.error = shown;
  return context_.uploads.finish(claimed_.lease, ending);
}

void UploadRun::record_failure(Error error) {
  // Told to end, a run decides nothing for good: it could not clean up behind a failure any more.
  if (auto reason = control_.ended()) error = std::move(*reason);
  if (error.code == Errc::lease_lost) {
    log::warn("upload was taken over by another worker", {{"upload", claimed_.lease.id}});
    return;
  }
  const Result<> recorded = record_what_came(error);
  if (!recorded) {
    log::error("the end of an attempt could not be recorded",
               {{"upload", claimed_.lease.id}, {"reason", recorded.error().message}});
  }
}

}  // namespace vodlift::worker
