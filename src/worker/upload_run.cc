#include "worker/upload_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/log.h"
#include "core/content_type.h"
#include "core/upload_decisions.h"
#include "core/upload_log.h"
#include "core/upload_request.h"
#include "worker/last_look.h"
#include "worker/object_check.h"
#include "worker/source_check.h"

namespace vodlift::worker {
namespace {

// A source up to this size is read once, into memory, and sent from there.
constexpr std::int64_t kKeptBytes = std::int64_t{128} * 1024;
// A source that somebody touches while it is hashed is hashed so often at most.
constexpr int kMaxReadings = 3;
// Between two attempts at a source that changed while it was sent, or that cannot be opened.
constexpr std::chrono::milliseconds kLeastSourceDelay = std::chrono::seconds(5);
constexpr std::chrono::milliseconds kMostSourceDelay = std::chrono::hours(1);
constexpr std::chrono::milliseconds kSoon{1};
// The storage was taken out of this node's configuration, or put in, since the upload was claimed.
constexpr std::chrono::milliseconds kForAnotherNode{1'000};
constexpr std::chrono::milliseconds kAfterNoMemory{1000};

bool is_busy(Errc code) { return code == Errc::source_busy || code == Errc::source_changed; }

// With which an upload fails that is only looked for.
Error claimed_error(const ClaimedUpload& claimed) {
  const auto& error = claimed.upload.error;
  return error ? Error{error->code, error->message, error->detail} : Error{};
}

}  // namespace

UploadRun::UploadRun(const RunContext& context, ClaimedUpload claimed, RunControl& control)
    : context_(context),
      claimed_(std::move(claimed)),
      control_(control),
      attempt_{Destination(context.objects, claimed_.upload.request.options.overwrite, claimed_.token),
               parse_checksum(claimed_.upload.request.options.checksum)},
      multipart_(context_, claimed_, control_, attempt_) {
  const UploadRequest& request = claimed_.upload.request;
  const UploadOptions& options = request.options;
  ObjectProperties& properties = attempt_.properties;
  properties.metadata = request.metadata;
  properties.token = claimed_.token;
  properties.acl = request.acl;
  properties.content_type =
      options.content_type.empty() ? content_type_for(request.destination_path) : options.content_type;
  properties.cache_control = options.cache_control;
  properties.content_disposition = options.content_disposition;
  properties.storage_class = options.storage_class;
  properties.tags = options.tags;
  attempt_.unanswered = claimed_.unanswered;
}

std::optional<RunEnd> UploadRun::run() noexcept {
  try {
    auto ending = claimed_.only_look ? Result<UploadEnding>(claimed_error(claimed_)) : attempt();
    if (ending) return std::move(*ending);
    return after_error(ending.error());
  } catch (const std::bad_alloc&) {
    log::error("no memory for an upload; it is tried again", {{"upload", claimed_.lease.id}});
    return after_no_memory();
  } catch (const std::exception& failure) {
    log::error("unexpected error in an upload", {{"upload", claimed_.lease.id}, {"reason", failure.what()}});
  }
  try {
    return after_error({Errc::internal, "unexpected error; the server's log has the details"});
  } catch (const std::exception& failure) {
    log::error("unexpected error as an upload ended", {{"upload", claimed_.lease.id}, {"reason", failure.what()}});
    return after_no_memory();
  }
}

// It does not count as an attempt. What was under way may have put the object in its place.
RunEnd UploadRun::after_no_memory() const {
  Requeue how{kAfterNoMemory};
  note_unanswered(how);
  how.unanswered |= attempt_.source != nullptr;
  return how;
}

// The attempt starts over once if the source changed while it was sent, if the store does not know parts that it has
// confirmed, or if it refuses because another client wrote the object meanwhile. The second time it fails.
Result<UploadEnding> UploadRun::attempt() {
  const Upload& upload = claimed_.upload;
  const auto found = context_.accounts.look_up_bucket(upload.account, upload.request.bucket);
  if (!found) return found.error();
  const std::shared_ptr<const BucketAccess>& access = *found;
  if (!access) {
    return Error{Errc::bucket_not_configured, fmt::format("bucket {} is not configured for account {} any more",
                                                          upload.request.bucket, upload.account)};
  }
  auto ending = attempt_with_fitting_parts(*access);
  if (!ending && falls_back_to_private(ending.error())) ending = attempt_with_fitting_parts(*access);
  const auto starts_over_after = [](Errc code) {
    return code == Errc::source_changed || code == Errc::s3_parts_refused || code == Errc::s3_conflict;
  };
  const bool starts_over = !ending && starts_over_after(ending.error().code);
  if (starts_over) {
    log::warn("starting over", {{"upload", upload.id}, {"reason", ending.error().for_operator()}});
    if (auto gone = multipart_.abandon(); !gone) return gone.error();
    ending = attempt_with_fitting_parts(*access);
  }
  return ending;
}

// Starts over with smaller parts as long as a request is refused as too large and a smaller one may pass: each time
// the store's bound is halved, so ten times at most.
Result<UploadEnding> UploadRun::attempt_with_fitting_parts(const BucketAccess& access) {
  for (;;) {
    const std::int64_t largest = context_.objects.largest_body(access);
    auto ending = attempt_once(access);
    const bool may_shrink =
        !ending && ending.error().code == Errc::s3_too_large && context_.objects.largest_body(access) < largest;
    if (!may_shrink) return ending;
    log::warn("starting over with smaller parts", {{"upload", claimed_.lease.id}, {"reason", ending.error().message}});
    if (auto gone = multipart_.abandon(); !gone) return gone.error();
  }
}

Result<UploadEnding> UploadRun::attempt_once(const BucketAccess& access) {
  const UploadRequest& request = claimed_.upload.request;
  attempt_.target = {access, request.destination_path, attempt_.failed,
                     traceparent(claimed_.upload.trace, span_of_run(claimed_))};
  // Before the source is read for nothing.
  if (auto refused = context_.objects.refusal(attempt_.target)) return std::move(refused->error);

  const auto path = parse_source_path(request.path);
  if (!path) return path.error();
  auto opened = context_.storages.open(*path);
  if (!opened) {
    Error error = opened.error();
    if (error.code == Errc::source_not_found) error.code = Errc::source_missing;
    // It was known when it was queued.
    if (error.code == Errc::storage_unknown && !claimed_.storage_is_known) error.code = Errc::storage_removed;
    return error;
  }
  attempt_.source = std::move(*opened);
  attempt_.storage = path->storage;
  control_.found_size(attempt_.source->identity().size);
  if (auto quiet = check_quiet(); !quiet) return quiet.error();

  const auto there = attempt_.destination.look(attempt_.target, control_);
  if (!there) return there.error();
  if (*there) return leave_alone(**there);
  const std::int64_t size = attempt_.source->identity().size;
  // Reading a small source twice costs less than writing it to the disk.
  const auto settled = size > kKeptBytes ? settle(*attempt_.source, control_) : false;
  if (!settled) return settled.error();
  attempt_.settled = *settled;
  if (auto meant = check_source(); !meant) return meant.error();
  if (!std::exchange(told_begin_, true)) tell_begin(claimed_, size);

  auto verification = wants_multipart(size, part_bounds(access, context_.objects)) ? multipart_.send() : send_whole();
  if (!verification && verification.error().code == Errc::destination_exists) {
    return after_lost_race(verification.error());
  }
  if (!verification) return verification.error();
  UploadEnding ending;
  ending.state = UploadState::completed;
  ending.size = size;
  ending.verification = std::move(*verification);
  ending.acl_applied = context_.objects.applied_acl(attempt_.target, attempt_.properties.acl, ending.verification.etag);
  return ending;
}

// How an upload ends that finds another's object and may not replace it.
Result<UploadEnding> UploadRun::leave_alone(const ObjectInfo& there) {
  if (claimed_.upload.request.options.overwrite == Overwrite::fail) {
    return Error{
        Errc::destination_exists,
        fmt::format("destination_path: {} is there already and was left as it is (overwrite=fail); give another "
                    "destination_path, or overwrite=replace",
                    object_name(claimed_.upload))};
  }
  if (auto gone = multipart_.abandon(); !gone) return gone.error();
  UploadEnding ending;
  ending.state = UploadState::completed;
  ending.size = std::max<std::int64_t>(there.size, 0);
  ending.verification = {unquoted_etag(there.etag), "", there.version_id};
  return ending;
}

// The store refused the object because another one is there, which was not there before or could not be seen.
Result<UploadEnding> UploadRun::after_lost_race(const Error& refusal) {
  const auto there = attempt_.destination.look(attempt_.target, control_);
  if (!there) return there.error();
  if (*there) return leave_alone(**there);
  if (attempt_.destination.condition() == WriteCondition::absent)
    return leave_alone(ObjectInfo{attempt_.source->identity().size, "", "", "", ""});
  return Error{Errc::s3_conflict, refusal.message + "; and now it is gone again", refusal.detail};
}

// No check for a version whose parts are at the store already: it was quiet when the first of them was sent.
Result<> UploadRun::check_quiet() {
  if (multipart_.may_have_begun(attempt_.source->identity())) return {};
  const auto quiet = quiet_at(attempt_.source->identity(), context_.readiness, context_.clock.now());
  if (!quiet) return {};
  quiet_at_ = *quiet;
  return Error{Errc::source_busy,
               fmt::format("file {} is still being written: it was changed less than {} s ago, and is sent once it has "
                           "been left alone for that long",
                           printable(claimed_.upload.request.path),
                           std::chrono::ceil<std::chrono::seconds>(context_.readiness.quiet).count())};
}

// Called before anything is sent. A version whose parts are at the store already was checked before they were sent.
Result<> UploadRun::check_source() {
  const bool checked = multipart_.has_begun(attempt_.source->identity());
  if (!attempt_.expected || checked) return {};
  return check_by_reading(*attempt_.source, *attempt_.expected, control_);
}

Result<Verification> UploadRun::send_whole() {
  if (auto gone = multipart_.abandon(); !gone) return gone.error();
  Result<RangeChecksum> checksum = Error{};
  const std::int64_t size = attempt_.source->identity().size;
  return with_retries(control_, [&]() -> Result<Verification> {
    // Another upload may have found meanwhile that this store needs MD5.
    const bool with_md5 = context_.objects.checksum_mode(attempt_.target.access) != ChecksumMode::crc32c;
    if (checksum) {  // of an earlier try
      const auto now = attempt_.source->check_unchanged();
      if (!now) return now.error();
      if (*now != version_) checksum = Error{};
    }
    // From here on the file's times do not matter: what the store confirms is what was hashed.
    if (!checksum || (with_md5 && checksum->md5.empty())) checksum = checksum_version(with_md5);
    if (!checksum) return checksum.error();
    if (attempt_.expected) {
      if (auto meant = check_crc32c(*attempt_.expected, checksum->crc32c); !meant) return meant.error();
    }
    if (attempt_.unanswered) {
      const auto found = find_whole(*checksum);
      if (found && *found) return **found;
    }
    auto sent = put_whole(*checksum);
    if (!sent) attempt_.has_failed(sent.error().code, context_.clock.now(), {size, checksum->crc32c});
    auto verified = sent ? verify(*sent, *checksum) : Result<Verification>(sent.error());
    // The store got other bytes than were hashed. If the file was written to meanwhile, that is the error to report.
    if (!verified && verified.error().code == Errc::s3_integrity) {
      if (auto same = attempt_.source->check_unchanged(); !same) return same.error();
    }
    return verified;
  });
}

// The checksum of one version of the source: nobody touched the file while it was hashed, or hashing it twice gave the
// same.
Result<RangeChecksum> UploadRun::checksum_version(bool with_md5) {
  const SourceFile& source = *attempt_.source;
  version_ = source.identity();
  bytes_ = nullptr;
  std::optional<std::uint32_t> before;
  for (int reading = 0; reading < kMaxReadings; ++reading) {
    if (attempt_.expected && reading > 0) {  // check_source() may have read an earlier version
      if (auto meant = check_by_reading(source, *attempt_.expected, control_); !meant) return meant.error();
    }
    auto checksum = checksum_whole(with_md5);
    if (!checksum) return checksum;
    const bool same = before == checksum->crc32c;
    before = checksum->crc32c;
    if (!same && !attempt_.settled) continue;  // whatever the times say, it is read again
    const auto now = source.check_unchanged();
    if (!now) return now.error();
    if (std::exchange(version_, *now) == *now || same) return checksum;
  }
  return Error{Errc::source_changed,
               fmt::format("file {} was written to each time it was read", printable(claimed_.upload.request.path))};
}

Result<RangeChecksum> UploadRun::checksum_whole(bool with_md5) {
  const std::int64_t size = attempt_.source->identity().size;
  if (size > kKeptBytes) return checksum_range(*attempt_.source, 0, size, with_md5);
  if (bytes_ == nullptr) bytes_ = std::make_shared_for_overwrite<std::uint8_t[]>(static_cast<std::size_t>(size));
  const std::span<std::uint8_t> all(bytes_.get(), static_cast<std::size_t>(size));
  if (auto read = attempt_.source->read(0, all); !read) return read.error();
  return checksum_of(all, with_md5);
}

Result<Verification> UploadRun::verify(const StoredBytes& stored, const RangeChecksum& checksum) {
  const BucketAccess& access = attempt_.target.access;
  if (auto encrypted = check_encrypted(access.encryption, stored.encryption); !encrypted) return encrypted.error();
  const bool confirmed = reported_digest(stored.etag, stored.checksum, checksum.md5) ||
                         context_.objects.refuses_wrong_md5(access).value_or(false);
  if (confirmed) return verification_of(stored, checksum);
  return read_back(context_.objects,
                   {attempt_.target, claimed_.token, checksum.crc32c, attempt_.source->identity().size}, control_);
}

// The object, if an earlier request whose answer was lost has put exactly these bytes in its place.
Result<std::optional<Verification>> UploadRun::find_whole(const RangeChecksum& checksum) {
  const auto there = context_.objects.head(attempt_.target);
  if (!there) return there.error();
  const bool same = there->token == claimed_.token && there->size == attempt_.source->identity().size &&
                    reported_digest(there->etag, there->checksum, checksum.md5) &&
                    (there->checksum.empty() || there->checksum == crc32c_base64(checksum.crc32c)) &&
                    !uses_kms(there->encryption) &&
                    check_encrypted(attempt_.target.access.encryption, there->encryption);
  if (!same) return std::optional<Verification>();
  return std::optional<Verification>(
      verification_of({there->etag, there->checksum, there->version_id, "", checksum.crc32c}, checksum));
}

Result<StoredBytes> UploadRun::put_whole(const RangeChecksum& checksum) {
  Body body{attempt_.source, 0, attempt_.source->identity().size, control_.cut(), attempt_.storage};
  body.bytes = bytes_;
  const auto put = [&] {
    return context_.objects.put_object(attempt_.target, attempt_.properties, body, checksum,
                                       attempt_.destination.condition());
  };
  auto sent = put();
  if (sent || sent.error().code != Errc::destination_exists) return sent;
  // The object in the way may be this upload's own, from a request whose answer was lost.
  const auto there = attempt_.destination.look(attempt_.target, control_);
  if (!there) return there.error();
  if (*there || attempt_.destination.condition() != WriteCondition::none) return sent;
  return put();
}

bool UploadRun::falls_back_to_private(const Error& error) {
  if (error.code != Errc::s3_acl_refused || attempt_.target.access.acl_policy != AclPolicy::private_acl) return false;
  log::warn("bucket refuses acl=public-read, uploading as private",
            {{"upload", claimed_.lease.id}, {"bucket", attempt_.target.access.bucket}});
  attempt_.properties.acl = Acl::private_acl;
  return true;
}

// Waiting for a source does not count as an attempt, but it has a limit of its own. Both times are of the store's
// clock.
bool UploadRun::may_wait_for_source() const {
  const Upload& upload = claimed_.upload;
  const WallTime first = upload.started.value_or(upload.created);
  return upload.attempt_started.value_or(first) < first + context_.readiness.wait;
}

// Until the next attempt at a source that is not ready. Grows with the time waited so far.
std::chrono::milliseconds UploadRun::source_delay() const {
  using std::chrono::milliseconds;
  if (quiet_at_) {
    return std::max(std::chrono::ceil<milliseconds>(*quiet_at_ - context_.clock.now()), milliseconds(1));
  }
  const Upload& upload = claimed_.upload;
  const WallTime first = upload.started.value_or(upload.created);
  const milliseconds waited = upload.attempt_started.value_or(first) - first;
  return std::clamp(std::max(waited, context_.readiness.quiet), kLeastSourceDelay, kMostSourceDelay);
}

// When to try again without counting an attempt: nothing was sent but what the store refused for its key. Nothing where
// the attempt counts.
std::optional<std::chrono::milliseconds> UploadRun::wait_for_store(const Error& error) {
  const bool nothing_sent = error.code == Errc::s3_unavailable && !attempt_.failed->load();
  if (!nothing_sent && error.code != Errc::s3_credential) return std::nullopt;
  const Upload& upload = claimed_.upload;
  const WallTime first = upload.started.value_or(upload.created);
  if (upload.attempt_started.value_or(first) >= first + kUncountedFor) return std::nullopt;
  const auto refused = context_.objects.refusal(attempt_.target);
  return refused ? refused->again_in : uncounted_retry_delay(random_unit());
}

// Decides whether an attempt that ended with `error` goes back into the queue or fails the upload.
std::optional<RunEnd> UploadRun::after_error(Error error) {
  // A run that was told to end decides nothing for good: it could not clean up after a failure any more.
  if (auto reason = control_.ended()) error = std::move(*reason);
  const UploadId id = claimed_.lease.id;
  if (error.code == Errc::lease_lost) {
    log::warn("upload was taken over by another worker", {{"upload", id}});
    return std::nullopt;
  }
  // In its old place: what was begun is finished first.
  if (error.code == Errc::interrupted) {
    Requeue how;
    note_unanswered(how);
    return how;
  }
  if (claimed_.only_look) return fail_unless_found(error);
  if (error.code == Errc::storage_unknown) {
    Requeue how{kForAnotherNode};
    note_unanswered(how);
    return how;
  }
  if (auto waits = wait_for_source(error)) return waits;
  if (const auto again_in = wait_for_store(error)) return queue_for_store(*again_in, error);
  std::optional<std::chrono::milliseconds> look;
  if (attempt_.looks_again) look = attempt_.next_look(context_.clock.now()).value_or(kSoon);
  if (look && !attempt_.sent_unanswered) return queue_again(*look, error, /*failed_attempt=*/false);
  auto delay = is_busy(error.code) ? std::nullopt : upload_retry_delay(error, claimed_.upload.attempts, random_unit());
  if (delay && look) delay = std::min(*delay, *look);
  if (delay) return queue_again(*delay, error, /*failed_attempt=*/true);
  return fail_unless_found(error);
}

std::optional<RunEnd> UploadRun::wait_for_source(const Error& error) {
  if (!is_busy(error.code) || !may_wait_for_source()) return std::nullopt;
  log::info("waiting for a source that is being written",
            {{"upload", claimed_.lease.id}, {"reason", error.for_operator()}});
  Requeue how{source_delay(), upload_error(error), /*failed_attempt=*/false};
  note_unanswered(how);
  return how;
}

RunEnd UploadRun::queue_for_store(std::chrono::milliseconds again_in, const Error& error) {
  log::info("upload waits for its store", {{"upload", claimed_.lease.id},
                                           {"code", info(error.code).name},
                                           {"reason", error.for_operator()},
                                           {"in_ms", again_in.count()}});
  Requeue how{again_in, std::nullopt, /*failed_attempt=*/false};
  // What the store said before is more than that it is not asked now.
  const auto& before = claimed_.upload.error;
  const bool said_before = attempt_.source == nullptr && before && before->code == error.code;
  if (!said_before) {
    how.error = upload_error(error);
    how.error->retryable = true;
  }
  note_unanswered(how);
  return how;
}

RunEnd UploadRun::queue_again(std::chrono::milliseconds delay, const Error& error, bool failed_attempt) {
  log::warn(failed_attempt ? "upload will be tried again" : "the object is looked for again",
            {{"upload", claimed_.lease.id},
             {"code", info(error.code).name},
             {"reason", error.for_operator()},
             {"in_ms", delay.count()}});
  Requeue how{delay, upload_error(error), failed_attempt};
  note_unanswered(how);
  return how;
}

void UploadRun::note_unanswered(Requeue& how) const {
  how.unanswered = attempt_.sent_unanswered;
  if (how.unanswered && attempt_.unanswered) how.sent = attempt_.unanswered->sent;
}

// The last thing before an upload fails. An object that this upload has put in place all the same completes it.
RunEnd UploadRun::fail_unless_found(const Error& error) {
  const UploadId id = claimed_.lease.id;
  LastLook last(context_, claimed_, control_, attempt_, multipart_);
  auto found = last.look();
  if (auto reason = control_.ended()) {
    Requeue how;
    note_unanswered(how);
    return how;
  }
  if (found && *found) {
    log::warn("the object is there although the upload would have failed",
              {{"upload", id}, {"code", info(error.code).name}, {"reason", error.for_operator()}});
    return std::move(**found);
  }
  // One that is only looked for fails with what it failed with before.
  const UploadError kept = claimed_.only_look && claimed_.upload.error ? *claimed_.upload.error : upload_error(error);
  if (const auto delay = last.next(!found)) {
    log::warn(
        "upload fails unless its object is found",
        {{"upload", id}, {"code", info(error.code).name}, {"reason", error.for_operator()}, {"in_ms", delay->count()}});
    Requeue how{*delay, kept, /*failed_attempt=*/false};
    how.only_look = true;
    note_unanswered(how);
    return how;
  }
  return failed(kept);
}

UploadEnding UploadRun::failed(const UploadError& error) {
  // What cannot be aborted now is in the ledger, and the end itself leaves it to the reaper.
  (void)multipart_.abandon();
  UploadEnding ending;
  ending.state = UploadState::failed;
  ending.size = attempt_.source != nullptr ? attempt_.source->identity().size : claimed_.upload.size;
  ending.error = error;
  return ending;
}

}  // namespace vodlift::worker
