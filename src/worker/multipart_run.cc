#include "worker/multipart_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/log.h"
#include "core/multipart_policy.h"
#include "worker/object_check.h"
#include "worker/source_check.h"

namespace vodlift::worker {
namespace {

// Whether an upload goes on with the parts on record if the store answers ListParts with `code`: it refuses to list, or
// its answer is no list.
bool may_do_without_list(Errc code) {
  return code == Errc::s3_access_denied || code == Errc::s3_rejected || code == Errc::s3_not_found ||
         code == Errc::s3_transient;
}

}  // namespace

bool MultipartRun::all_sent() const {
  std::int64_t sent = 0;
  for (const Part& part : journal_.parts) sent += part.size;
  return !journal_.multipart_id.empty() && sent == journal_.source.size;
}

std::uint32_t MultipartRun::whole_crc() const {
  std::uint32_t crc = 0;
  for (const Part& part : journal_.parts) crc = crc32c_combine(crc, part.crc32c, static_cast<std::uint64_t>(part.size));
  return crc;
}

Result<Verification> MultipartRun::send() {
  resumed_ = !journal_.multipart_id.empty();
  auto resumed = resume();
  if (!resumed) return resumed.error();
  if (found_) return read_unverified(*found_);
  resumed_ = resumed->has_value();
  const Result<PartPlan> plan = *resumed ? Result<PartPlan>(**resumed) : open();
  if (!plan) return plan.error();

  std::vector<int> missing;
  for (int number = 1; number <= plan->count; ++number) {
    const auto same_number = [number](const Part& part) { return part.number == number; };
    if (std::none_of(journal_.parts.begin(), journal_.parts.end(), same_number)) missing.push_back(number);
  }
  const Multipart multipart{journal_.multipart_id, journal_.checksum_mode};
  PartSender::Job job{attempt_.target, multipart, attempt_.source, *plan, context_.parts_per_upload, attempt_.storage};
  if (context_.spans != nullptr && context_.spans->wanted() && claimed_.upload.trace.sampled) {
    job.tried = [this, plan = *plan](int number, auto began, const auto& result) {
      tell_part(number, plan.size_of(number), began, result);
    };
  }
  PartSender sender(context_.objects, std::move(job), control_, [this](const Part& part) { return record_part(part); });
  auto sent = sender.send(missing);
  if (sent) sent = confirm_source(*plan);
  if (sent) return complete(*plan);
  if (sent.error().code == Errc::s3_no_such_upload) {
    // Another client or a lifecycle rule aborted it: the parts are gone. If the store is wrong, it must not stay open.
    if (auto gone = abandon(); !gone) return gone.error();
  }
  return sent.error();
}

// Every Create is in the ledger before it is sent: if its answer is lost, the reaper finds what it opened.
Result<Multipart> MultipartRun::create() {
  const MultipartPlace place{attempt_.target.access.endpoint, attempt_.target.access.bucket, attempt_.target.key};
  bool intended = false;
  std::optional<Error> unusable;
  auto multipart = with_retries(control_, [&]() -> Result<Multipart> {
    if (!intended) {
      auto recorded = until_recorded(control_, [&] { return context_.journal.intend(claimed_.lease, place); });
      if (!recorded) return recorded.error();
      intended = true;
    }
    auto created = context_.objects.create_multipart(attempt_.target, attempt_.properties);
    if (!created && create_may_have_worked(created.error().code)) intended = false;
    // Each Create whose answer is none may leave one open: it is not sent again in this attempt.
    if (created || created.error().code != Errc::s3_unverifiable) return created;
    unusable = created.error();
    return Error{Errc::s3_no_such_upload, unusable->message};
  });
  if (unusable) return *unusable;
  // If this fails, the next round of the reaper finds that nothing is there.
  if (!multipart && intended) (void)context_.journal.withdraw(claimed_.lease);
  return multipart;
}

Result<PartPlan> MultipartRun::open() {
  const BucketAccess& access = attempt_.target.access;
  auto plan = plan_parts(attempt_.source->identity().size, part_bounds(access, context_.objects),
                         context_.objects.request_rate(access));
  if (!plan) return plan;
  completed_.reset();
  const auto multipart = create();
  if (!multipart) return multipart.error();
  journal_ = {multipart->id,
              access.endpoint,
              plan->part_size,
              attempt_.source->identity(),
              multipart->mode,
              attempt_.properties.acl,
              {}};
  if (auto recorded = record(journal_); !recorded) {
    // Abort it while its id is known: later the reaper would have to search for it.
    (void)context_.objects.abort_multipart(attempt_.target, multipart->id);
    journal_ = {};
    return recorded.error();
  }
  return plan;
}

// The parts were read one after the other. If the file was, or may have been, touched meanwhile, another reading shows
// that they are of one version: when it began, the file held what all of them hold.
Result<> MultipartRun::confirm_source(const PartPlan& plan) {
  const SourceFile& source = *attempt_.source;
  const auto now = source.check_unchanged();
  if (!now) return now.error();
  if (attempt_.settled && *now == source.identity()) return {};
  if (attempt_.expected) {
    if (auto meant = check_by_reading(source, *attempt_.expected, control_); !meant) return meant;
  }
  const auto same = has_parts(source, plan, journal_.parts, control_);
  if (!same) return same.error();
  if (*same) return {};
  return Error{Errc::source_changed,
               fmt::format("file {} was written to while it was uploaded", printable(claimed_.upload.request.path))};
}

// Whether the source is what the parts sent earlier were read from.
Result<bool> MultipartRun::still_holds(const PartPlan& plan) {
  const SourceIdentity& now = attempt_.source->identity();
  if (journal_.source == now) return true;
  auto same = has_parts(*attempt_.source, plan, journal_.parts, control_);
  if (!same || !*same) return same;
  journal_.source = now;
  if (auto recorded = record(journal_); !recorded) return recorded.error();
  return true;
}

Result<> MultipartRun::start_over() {
  log::info("the parts sent earlier cannot be reused, starting over", {{"upload", claimed_.lease.id}});
  return abandon();
}

// The plan of an earlier attempt whose parts can be reused; nothing if a new multipart upload must be opened.
Result<std::optional<PartPlan>> MultipartRun::resume() {
  if (journal_.multipart_id.empty()) return std::optional<PartPlan>();
  if (lies_elsewhere()) {
    log::info("the bucket has another endpoint now, starting over", {{"upload", claimed_.lease.id}});
    if (auto left = abandon(); !left) return left.error();
    return std::optional<PartPlan>();
  }
  const auto plan = plan_with_part_size(attempt_.source->identity().size, journal_.part_size);
  const PartBounds bounds = part_bounds(attempt_.target.access, context_.objects);
  const bool fits = plan && plan->count <= bounds.max_parts && plan->part_size <= bounds.largest;
  const bool same_file = journal_.source.may_equal(attempt_.source->identity());
  if (!same_file || !fits || journal_.checksum_mode == ChecksumMode::unknown) {
    if (auto gone = start_over(); !gone) return gone.error();
    return std::optional<PartPlan>();
  }
  attempt_.properties.acl = journal_.acl;
  std::ranges::sort(journal_.parts, {}, &Part::number);
  const bool is_whole = is_awaited();
  if (is_whole) {
    const auto usable = find_before_sending();
    if (!usable) return usable.error();
    if (found_ || !*usable) return std::optional<PartPlan>();
  }
  const auto listed =
      with_retries(control_, [&] { return context_.objects.list_parts(attempt_.target, journal_.multipart_id); });
  if (listed) {
    if (auto adopted = adopt_parts(*listed, *plan); !adopted) return adopted.error();
    if (is_whole && !all_sent()) return awaited({Errc::s3_unverifiable, "the store has taken its parts away"});
    const auto reusable = still_holds(*plan);
    if (!reusable) return reusable.error();
    if (*reusable) return std::optional<PartPlan>(*plan);
    if (auto gone = start_over(); !gone) return gone.error();
    return std::optional<PartPlan>();
  }
  if (listed.error().code == Errc::s3_no_such_upload) {
    if (is_awaited()) return awaited(listed.error());
    if (auto gone = forget(); !gone) return gone.error();
    return std::optional<PartPlan>();
  }
  if (!may_do_without_list(listed.error().code)) return listed.error();
  log::warn("the store does not list the parts that are there; those on record are used",
            {{"upload", claimed_.lease.id}, {"reason", listed.error().for_operator()}});
  listed_ = false;
  return std::optional<PartPlan>(*plan);
}

// Whether Complete may still put the parts together: it was sent not long ago, and its end is not known.
bool MultipartRun::is_awaited() const { return all_sent() && attempt_.next_look(context_.clock.now()).has_value(); }

// The parts stay on record, and the object is looked for again later.
Error MultipartRun::awaited(const Error& why) {
  attempt_.looks_again = true;
  return {
      Errc::s3_unverifiable,
      fmt::format("{} may have been put together, but is not there yet: {}", object_name(claimed_.upload), why.message),
      why.detail};
}

// Looks for the object before anything is sent. False: it is there with other bytes, so the parts are of no use.
Result<bool> MultipartRun::find_before_sending() {
  auto found = look_for_completed();
  if (found) {
    found_ = std::move(*found);
    return true;
  }
  const Errc code = found.error().code;
  if (code == Errc::s3_rejected || code == Errc::s3_parts_refused) return found.error();
  if (code != Errc::s3_integrity) return awaited(found.error());
  if (auto gone = forget(); !gone) return gone.error();
  return false;
}

// The multipart upload is not at the store any more, as far as it says. It is aborted nevertheless: stores may be
// wrong.
Result<> MultipartRun::forget() {
  log::info("the multipart upload is gone, starting over", {{"upload", claimed_.lease.id}});
  completed_.reset();
  attempt_.unanswered.reset();
  return abandon();
}

// The store's list decides which parts are there; the journal may lack the last of them.
Result<> MultipartRun::adopt_parts(const std::vector<ListedPart>& listed, const PartPlan& plan) {
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
    if (auto recorded = record(**adopted); !recorded) return recorded;
    kept.push_back(std::move(**adopted));
  }
  log::info("resuming upload", {{"upload", claimed_.lease.id}, {"parts_there", kept.size()}, {"parts", plan.count}});
  journal_.parts = std::move(kept);
  return {};
}

// A part that reached the store but not the journal is reused if the store's checksum is that of the file.
Result<std::optional<Part>> MultipartRun::adopt(const ListedPart& listed, const PartPlan& plan) {
  if (listed.number < 1 || listed.number > plan.count || listed.size != plan.size_of(listed.number)) {
    return std::optional<Part>();
  }
  const auto checksum = checksum_range(*attempt_.source, plan.offset_of(listed.number), listed.size, /*with_md5=*/true);
  if (!checksum) return checksum.error();
  if (!part_matches(listed, *checksum)) return std::optional<Part>();
  return std::optional<Part>(Part{listed.number, listed.size, listed.etag, checksum->crc32c, checksum->md5});
}

Result<Verification> MultipartRun::complete(const PartPlan& plan) {
  std::ranges::sort(journal_.parts, {}, &Part::number);
  if (attempt_.expected) {
    if (auto meant = check_crc32c(*attempt_.expected, whole_crc()); !meant) return meant.error();
  }
  auto completed = complete_unread(plan);
  if (!completed && !listed_ && completed.error().code == Errc::s3_no_such_upload) {
    // Nothing else would say so to the next attempt.
    if (auto gone = forget(); !gone) return gone.error();
  }
  return read_unverified(std::move(completed));
}

// Reads the object back if the store has confirmed nothing of it.
Result<Verification> MultipartRun::read_unverified(Result<Verification> found) {
  if (!found || !found->checksum.empty()) return found;
  auto read = read_back(context_.objects, {attempt_.target, seen_token_, whole_crc(), journal_.source.size}, control_);
  if (!read && read.error().code == Errc::s3_integrity) {
    // It is not known which of the parts are wrong.
    journal_ = {};
    completed_.reset();
    attempt_.unanswered.reset();
    if (auto forgotten = record(journal_); !forgotten) return forgotten.error();
  } else if (read && journal_.checksum_mode != ChecksumMode::md5) {
    context_.objects.note_untold(attempt_.target.access);
  }
  return read;
}

// Whether the store has confirmed each part. A store that reports no digests is tested with a wrong Content-MD5.
bool MultipartRun::parts_verified(const PartPlan& plan) {
  if (journal_.checksum_mode != ChecksumMode::md5) return false;
  const auto digest = [](const Part& part) { return reported_digest(part.etag, "", part.md5); };
  if (std::ranges::all_of(journal_.parts, digest)) return true;
  if (const auto known = context_.objects.refuses_wrong_md5(attempt_.target.access)) return *known;
  if (plan.count == kMaxParts) return false;
  const auto refused = with_retries(
      control_, [&] { return context_.objects.try_wrong_md5(attempt_.target, journal_.multipart_id, plan.count + 1); });
  return refused && *refused;
}

// The result has an empty checksum if the store confirmed nothing.
Result<Verification> MultipartRun::complete_unread(const PartPlan& plan) {
  parts_verified_ = parts_verified(plan);
  auto outcome = with_retries(control_, [&]() -> Result<Verification> {
    if (!completed_) {
      const auto object = put_together(plan);
      if (!object && found_) return *found_;
      if (!object) return object.error();
      completed_ = *object;
    }
    auto verified = verify(*completed_);
    const bool unknown = !verified && verified.error().code != Errc::s3_integrity &&
                         verified.error().code != Errc::s3_rejected && verified.error().code != Errc::s3_parts_refused;
    if (unknown) note_unanswered();
    return verified;
  });
  if (!outcome && attempt_.looks_again) return awaited(outcome.error());
  return outcome;
}

// Sends Complete. A request may have succeeded although there is no answer, or although the answer to its repeat says
// "no such upload" or "is there already". The object shows it: found_ has it then, beside an error.
Result<CompletedObject> MultipartRun::put_together(const PartPlan& plan) {
  const Multipart multipart{journal_.multipart_id, journal_.checksum_mode};
  auto object = context_.objects.complete_multipart(attempt_.target, multipart, journal_.parts, whole_crc(), plan.size,
                                                    attempt_.destination.condition());
  if (object) return object;
  const Errc code = object.error().code;
  attempt_.has_failed(code, context_.clock.now(), {plan.size, whole_crc()});
  const bool in_doubt =
      is_awaited() || code == Errc::s3_no_such_upload || code == Errc::s3_not_found || code == Errc::destination_exists;
  if (!in_doubt) return object;
  auto found = look_for_completed();
  if (found && *found) found_ = std::move(*found);
  if (!found && found.error().code != Errc::s3_integrity) note_unanswered();
  if (!found && found.error().code == Errc::s3_integrity) return found.error();
  // What the store says of the parts counts only if they cannot be an object by now.
  const bool about_parts = code == Errc::s3_no_such_upload || code == Errc::s3_not_found ||
                           code == Errc::s3_parts_refused || code == Errc::s3_conflict || code == Errc::s3_integrity;
  if (found_ || !is_awaited() || !about_parts) return object;
  attempt_.looks_again = true;
  return Error{Errc::s3_no_such_upload, object.error().message, object.error().detail};  // not to be sent again now
}

// The object at the key, if this upload made it. Errors also: s3_integrity (it has other bytes than the parts).
Result<std::optional<Verification>> MultipartRun::look_for_completed() {
  const auto object = with_retries(control_, [&] { return context_.objects.head(attempt_.target); });
  if (!object) {
    // Some stores answer 403 for a missing object if the key may not list.
    const bool absent = object.error().code == Errc::s3_not_found || object.error().code == Errc::s3_access_denied;
    if (absent) return std::optional<Verification>();
    return object.error();
  }
  if (!is_ours(*object, "")) return std::optional<Verification>();
  auto checked = check(*object);
  if (!checked) return checked.error();
  if (auto encrypted = check_encryption(*object); !encrypted) return encrypted.error();
  return std::optional<Verification>(std::move(*checked));
}

Result<std::optional<Verification>> MultipartRun::find_completed() {
  std::ranges::sort(journal_.parts, {}, &Part::number);
  resumed_ = false;  // it cannot start over
  auto found = look_for_completed();
  if (!found || !*found) return found;
  auto verified = read_unverified(std::move(**found));
  if (!verified) return verified.error();
  return std::optional<Verification>(std::move(*verified));
}

// Whether this upload made the object. Some stores drop the metadata of multipart uploads, and the mark with it. Then
// the object is known by the ETag that Complete told, or by its checksum if Complete was sent and not answered. Another
// mark is another upload's.
bool MultipartRun::is_ours(const ObjectInfo& object, std::string_view completed_etag) {
  seen_token_ = object.token;
  if (!object.token.empty() && object.token != claimed_.token) return false;
  if (!object.token.empty()) {
    context_.objects.note_metadata(attempt_.target.access, attempt_.properties.metadata, object.metadata);
    return true;
  }
  const auto checked = check_object({object, journal_.parts, whole_crc(), journal_.source.size, false});
  const bool known_by_etag = !completed_etag.empty() && unquoted_etag(object.etag) == unquoted_etag(completed_etag);
  const bool complete_was_sent = attempt_.unanswered && attempt_.unanswered->sent;
  const bool known_by_digest = complete_was_sent && checked && !checked->checksum.empty();
  const bool ours = known_by_etag || known_by_digest;
  if (ours) context_.objects.note_unmarked(attempt_.target.access);
  return ours;
}

void MultipartRun::note_unanswered() {
  attempt_.is_unanswered(context_.clock.now(), {journal_.source.size, whole_crc()});
}

Result<Verification> MultipartRun::check(const ObjectInfo& object) const {
  return check_object({object, journal_.parts, whole_crc(), journal_.source.size, parts_verified_});
}

// The answer to Complete says that the parts are one object; HEAD reports its size and, again, its checksum.
Result<Verification> MultipartRun::verify(const CompletedObject& object) {
  const auto head = with_retries(control_, [&] { return context_.objects.head(attempt_.target); });
  ObjectInfo info;
  if (head) {
    info = *head;
  } else if (head.error().code == Errc::s3_access_denied) {
    // The key may write but not read, so the answer to Complete must do. The store checked the size along with the
    // checksum.
    info = {journal_.source.size, object.etag, object.checksum, claimed_.token, object.version_id, object.encryption};
  } else {
    // The parts are an object by now. An object that cannot be confirmed is checked again; it is no failure yet.
    Error error = with_context("confirming the object", head.error());
    if (!error.retryable()) error.code = Errc::s3_unverifiable;
    return error;
  }
  if (info.checksum.empty()) info.checksum = object.checksum;
  if (info.version_id.empty()) info.version_id = object.version_id;
  if (info.encryption.empty()) info.encryption = object.encryption;
  if (!is_ours(info, object.etag)) {
    return Error{Errc::s3_unverifiable,
                 fmt::format("{} was replaced by another client while it was being confirmed{}",
                             object_name(claimed_.upload), info.token.empty() ? ", or the store changed it" : "")};
  }
  if (auto encrypted = check_encryption(info); !encrypted) return encrypted.error();
  return check(info);
}

// A multipart upload that was opened before the bucket's encryption setting changed must start over.
Result<> MultipartRun::check_encryption(const ObjectInfo& object) const {
  auto encrypted = check_encrypted(attempt_.target.access.encryption, object.encryption);
  if (encrypted || !resumed_) return encrypted;
  return Error{Errc::s3_parts_refused, encrypted.error().message, encrypted.error().detail};
}

Result<> MultipartRun::record(const OpenMultipart& journal) {
  return until_recorded(control_, [&] { return context_.journal.record_multipart(claimed_.lease, journal); });
}

Result<> MultipartRun::record(const Part& part) {
  return until_recorded(control_, [&] { return context_.journal.record_part(claimed_.lease, part); });
}

Result<> MultipartRun::record_part(const Part& part) {
  if (auto recorded = record(part); !recorded) return recorded;
  control_.sent(part.size);
  if (context_.statistics != nullptr)
    context_.statistics->sent(claimed_.upload.account, claimed_.upload.request.bucket, part.size);
  journal_.parts.push_back(part);
  return {};
}

// Each try is a span, part of the run's.
void MultipartRun::tell_part(int number, std::int64_t size, PartSender::Instant began,
                             const Result<StoredBytes>& result) {
  const auto took = std::chrono::floor<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  Span span{.trace = claimed_.upload.trace, .parent = span_of_run(claimed_), .name = "part"};
  span.id = span_id(span.trace, fmt::format("{} part {} {}", span.parent, number, began.time_since_epoch().count()));
  span.end = context_.clock.now();
  span.begin = span.end - took;
  span.attributes = {
      {"vodlift.upload", claimed_.lease.id}, {"vodlift.part", std::int64_t{number}}, {"vodlift.bytes", size}};
  if (!result) {
    span.error = result.error().message;
    span.attributes.emplace_back("vodlift.code", std::string(info(result.error().code).name));
  }
  context_.spans->add(std::move(span));
}

// Whether the open multipart upload is at another endpoint than the bucket is now: the new store knows nothing of it.
bool MultipartRun::lies_elsewhere() const {
  return !journal_.endpoint.empty() && journal_.endpoint != attempt_.target.access.endpoint;
}

Result<> MultipartRun::abandon() {
  if (journal_.multipart_id.empty()) return {};
  Result<> aborted = Error{Errc::bucket_not_configured, "it lies at an endpoint that is not the bucket's any more"};
  if (!lies_elsewhere()) {
    aborted = with_retries(control_,
                           [&] { return context_.objects.abort_multipart(attempt_.target, journal_.multipart_id); });
  }
  if (!aborted && control_.ended()) return aborted;
  const std::string multipart_id = std::exchange(journal_, {}).multipart_id;
  if (aborted) return record(journal_);
  log::warn("an open multipart upload could not be aborted; it will be tried again",
            {{"upload", claimed_.lease.id},
             {"object", object_name(claimed_.upload)},
             {"multipart", multipart_id},
             {"reason", aborted.error().for_operator()}});
  return until_recorded(control_, [&] { return context_.journal.abandon(claimed_.lease); });
}

}  // namespace vodlift::worker
