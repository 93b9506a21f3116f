#include "worker/multipart_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/log.h"
#include "core/multipart_policy.h"
#include "worker/object_check.h"
#include "worker/part_sender.h"
#include "worker/source_check.h"

namespace vodlift::worker {

Result<Verification> MultipartRun::send() {
  resumed_ = !journal_.multipart_id.empty();
  auto resumed = resume();
  if (!resumed) return resumed.error();
  resumed_ = resumed->has_value();
  const Result<PartPlan> plan = *resumed ? Result<PartPlan>(**resumed) : open();
  if (!plan) return plan.error();

  std::vector<int> missing;
  for (int number = 1; number <= plan->count; ++number) {
    const auto same_number = [number](const Part& part) { return part.number == number; };
    if (std::none_of(journal_.parts.begin(), journal_.parts.end(), same_number)) missing.push_back(number);
  }
  const Multipart multipart{journal_.multipart_id, journal_.checksum_mode};
  PartSender sender(context_.objects,
                    {attempt_.target, multipart, attempt_.source, *plan, context_.parts_per_upload, attempt_.storage},
                    control_, [this](const Part& part) { return record_part(part); });
  auto sent = sender.send(missing);
  if (sent) sent = confirm_source(*plan);
  if (sent) return complete(*plan);
  if (sent.error().code == Errc::s3_no_such_upload) {
    // Another client or a lifecycle rule aborted it: the parts are gone.
    journal_ = {};
    if (auto forgotten = record(journal_); !forgotten) return forgotten.error();
  }
  return sent.error();
}

// Every Create is in the ledger before it is sent: if its answer is lost, the reaper finds what it opened.
Result<Multipart> MultipartRun::create() {
  const MultipartPlace place{attempt_.target.access.endpoint, attempt_.target.access.bucket, attempt_.target.key};
  bool intended = false;
  auto multipart = with_retries(control_, [&]() -> Result<Multipart> {
    if (!intended) {
      auto recorded = until_recorded(control_, [&] { return context_.journal.intend(claimed_.lease, place); });
      if (!recorded) return recorded.error();
      intended = true;
    }
    auto created = context_.objects.create_multipart(attempt_.target, attempt_.properties);
    if (!created && create_may_have_worked(created.error().code)) intended = false;
    return created;
  });
  // If this fails, the next round of the reaper finds that nothing is there.
  if (!multipart && intended) (void)context_.journal.withdraw(claimed_.lease);
  return multipart;
}

Result<PartPlan> MultipartRun::open() {
  const BucketAccess& access = attempt_.target.access;
  auto plan = plan_parts(attempt_.source->identity().size, access.max_parts, context_.objects.request_rate(access));
  if (!plan) return plan;
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

// The parts were read one after the other. If the file was touched meanwhile, another reading shows that they are of
// one version: when it began, the file held what all of them hold.
Result<> MultipartRun::confirm_source(const PartPlan& plan) {
  const SourceFile& source = *attempt_.source;
  const auto now = source.check_unchanged();
  if (!now) return now.error();
  if (*now == source.identity()) return {};
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
  const bool fits = plan && plan->count <= attempt_.target.access.max_parts;
  const bool same_file = journal_.source.may_equal(attempt_.source->identity());
  if (!same_file || !fits || journal_.checksum_mode == ChecksumMode::unknown) {
    if (auto gone = start_over(); !gone) return gone.error();
    return std::optional<PartPlan>();
  }
  attempt_.properties.acl = journal_.acl;
  const auto listed =
      with_retries(control_, [&] { return context_.objects.list_parts(attempt_.target, journal_.multipart_id); });
  if (listed) {
    if (auto adopted = adopt_parts(*listed, *plan); !adopted) return adopted.error();
    const auto reusable = still_holds(*plan);
    if (!reusable) return reusable.error();
    if (*reusable) return std::optional<PartPlan>(*plan);
    if (auto gone = start_over(); !gone) return gone.error();
    return std::optional<PartPlan>();
  }
  if (listed.error().code != Errc::s3_no_such_upload) return listed.error();
  // It is gone, or an earlier attempt completed it and crashed before it had the answer.
  std::uint32_t crc = 0;
  const bool all_known = static_cast<int>(journal_.parts.size()) == plan->count;
  for (const Part& part : journal_.parts) crc = crc32c_combine(crc, part.crc32c, static_cast<std::uint64_t>(part.size));
  if (all_known) {
    const auto found = look_for_completed(crc);
    if (!found) return found.error();
    if (*found) return std::optional<PartPlan>(*plan);
  }
  journal_ = {};
  if (auto forgotten = record(journal_); !forgotten) return forgotten.error();
  return std::optional<PartPlan>();
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
  std::sort(journal_.parts.begin(), journal_.parts.end(),
            [](const Part& left, const Part& right) { return left.number < right.number; });
  std::uint32_t crc = 0;
  for (const Part& part : journal_.parts) crc = crc32c_combine(crc, part.crc32c, static_cast<std::uint64_t>(part.size));
  if (attempt_.expected) {
    if (auto meant = check_crc32c(*attempt_.expected, crc); !meant) return meant.error();
  }
  auto completed = complete_unread(plan, crc);
  if (!completed || !completed->checksum.empty()) return completed;
  auto read = read_back(context_.objects, {attempt_.target, claimed_.token, crc, plan.size}, control_);
  if (!read && read.error().code == Errc::s3_integrity) {
    // It is not known which of the parts are wrong.
    journal_ = {};
    if (auto forgotten = record(journal_); !forgotten) return forgotten.error();
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
Result<Verification> MultipartRun::complete_unread(const PartPlan& plan, std::uint32_t crc) {
  const Multipart multipart{journal_.multipart_id, journal_.checksum_mode};
  parts_verified_ = parts_verified(plan);
  return with_retries(control_, [&]() -> Result<Verification> {
    const auto object = context_.objects.complete_multipart(attempt_.target, multipart, journal_.parts, crc, plan.size,
                                                            attempt_.destination.condition());
    if (object) return verify(*object, crc);
    // The first request may have succeeded although there is no answer, or although the answer to its repeat says "no
    // such upload" or "is there already". The object shows it.
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

// The object at the key, if this upload made it (its token, size and checksum).
Result<std::optional<Verification>> MultipartRun::look_for_completed(std::uint32_t crc) {
  const auto object = with_retries(control_, [&] { return context_.objects.head(attempt_.target); });
  if (!object) {
    // Some stores answer 403 for a missing object if the key may not list.
    const bool absent = object.error().code == Errc::s3_not_found || object.error().code == Errc::s3_access_denied;
    if (absent) return std::optional<Verification>();
    return object.error();
  }
  if (object->token != claimed_.token) return std::optional<Verification>();
  auto checked = check_object({*object, journal_.parts, crc, attempt_.source->identity().size, parts_verified_});
  if (!checked) return std::optional<Verification>();
  if (auto encrypted = check_encryption(*object); !encrypted) return encrypted.error();
  return std::optional<Verification>(std::move(*checked));
}

// The answer to Complete says that the parts are one object; HEAD reports its size and, again, its checksum.
Result<Verification> MultipartRun::verify(const CompletedObject& object, std::uint32_t crc) {
  const auto head = with_retries(control_, [&] { return context_.objects.head(attempt_.target); });
  ObjectInfo info;
  if (head) {
    info = *head;
  } else if (head.error().code == Errc::s3_access_denied) {
    // The key may write but not read, so the answer to Complete must do. The store checked the size along with the
    // checksum.
    info = {attempt_.source->identity().size,
            object.etag,
            object.checksum,
            claimed_.token,
            object.version_id,
            object.encryption};
  } else {
    // The parts are an object by now. An object that cannot be confirmed is checked again; it is no failure yet.
    Error error = with_context("confirming the object", head.error());
    if (!error.retryable()) error.code = Errc::s3_unverifiable;
    return error;
  }
  if (info.token != claimed_.token) {
    return Error{Errc::s3_unverifiable, fmt::format("{} was replaced by another client while it was being confirmed",
                                                    object_name(claimed_.upload))};
  }
  if (info.checksum.empty()) info.checksum = object.checksum;
  if (info.version_id.empty()) info.version_id = object.version_id;
  if (info.encryption.empty()) info.encryption = object.encryption;
  if (auto encrypted = check_encryption(info); !encrypted) return encrypted.error();
  return check_object({info, journal_.parts, crc, attempt_.source->identity().size, parts_verified_});
}

// A multipart upload that was opened before the bucket's encryption setting changed must start over.
Result<> MultipartRun::check_encryption(const ObjectInfo& object) const {
  auto encrypted = check_encrypted(attempt_.target.access.encryption, object.encryption);
  if (encrypted || !resumed_) return encrypted;
  return Error{Errc::s3_parts_refused, encrypted.error().message};
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
  journal_.parts.push_back(part);
  return {};
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
             {"reason", aborted.error().message}});
  return until_recorded(control_, [&] { return context_.journal.abandon(claimed_.lease); });
}

}  // namespace vodlift::worker
