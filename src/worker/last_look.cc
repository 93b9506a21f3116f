#include "worker/last_look.h"

#include <utility>

#include "base/hash.h"
#include "worker/object_check.h"

namespace vodlift::worker {
namespace {

// Whether `code` says that the object is there, but is not what was to be uploaded.
bool is_another(Errc code) {
  return code == Errc::s3_integrity || code == Errc::s3_rejected || code == Errc::s3_parts_refused;
}

}  // namespace

// This run may have forgotten an earlier request whose parts were gone; what it put in place counts nevertheless.
const std::optional<Unanswered>& LastLook::unanswered() const {
  return attempt_.unanswered ? attempt_.unanswered : claimed_.unanswered;
}

Result<std::optional<UploadEnding>> LastLook::look() {
  const Upload& upload = claimed_.upload;
  const auto access = context_.accounts.find_bucket(upload.account, upload.request.bucket);
  if ((!unanswered() && !attempt_.refused) || !access) return std::optional<UploadEnding>();
  attempt_.target = {*access, upload.request.destination_path, attempt_.failed};
  UploadEnding ending;
  ending.state = UploadState::completed;
  const bool in_parts = multipart_.all_sent();
  ending.size = multipart_.size();
  auto found = in_parts ? find_parts() : find_whole(ending.size);
  if (!found) return found.error();
  if (!*found) return std::optional<UploadEnding>();
  ending.verification = std::move(**found);
  ending.acl_applied = context_.objects.applied_acl(
      attempt_.target, in_parts ? multipart_.acl() : attempt_.properties.acl, ending.verification.etag);
  return std::optional<UploadEnding>(std::move(ending));
}

Result<std::optional<Verification>> LastLook::find_parts() {
  auto found = multipart_.find_completed();
  if (!found && is_another(found.error().code)) return std::optional<Verification>();
  return found;
}

Result<std::optional<Verification>> LastLook::find_whole(std::int64_t& size) {
  const auto there = with_retries(control_, [&] { return context_.objects.head(attempt_.target); });
  if (!there) {
    // Some stores answer 403 for a missing object if the key may not list.
    const bool absent = there.error().code == Errc::s3_not_found || there.error().code == Errc::s3_access_denied;
    if (absent) return std::optional<Verification>();
    return there.error();
  }
  const std::optional<SentBytes> sent = unanswered() ? unanswered()->sent : attempt_.refused;
  // Where the mark is missing, something between may drop it: then the bytes tell.
  const bool by_bytes =
      there->token.empty() && unanswered() && sent && claimed_.upload.request.options.overwrite == Overwrite::replace;
  const bool may_be_ours = there->token == claimed_.token || by_bytes;
  const bool ours = may_be_ours && check_encrypted(attempt_.target.access.encryption, there->encryption);
  if (!ours) return std::optional<Verification>();
  size = std::max<std::int64_t>(there->size, 0);
  if (sent) {
    size = sent->size;
    return compare(*there, *sent);
  }
  // The worker died, and what it sent is not on record. The store took the bytes only with their checksum.
  Verification seen{unquoted_etag(there->etag), "", there->version_id};
  if (!there->checksum.empty()) seen.checksum = "crc32c:" + there->checksum;
  return std::optional<Verification>(std::move(seen));
}

Result<std::optional<Verification>> LastLook::compare(const ObjectInfo& there, const SentBytes& sent) {
  if (there.size >= 0 && there.size != sent.size) return std::optional<Verification>();
  const std::string crc = crc32c_base64(sent.crc32c);
  const bool composite = there.checksum.find('-') != std::string::npos;
  if (!there.checksum.empty() && !composite) {
    if (there.checksum != crc) return std::optional<Verification>();
    return std::optional<Verification>({unquoted_etag(there.etag), "crc32c:" + crc, there.version_id});
  }
  auto read = read_back(context_.objects, {attempt_.target, claimed_.token, sent.crc32c, sent.size}, control_);
  if (!read && is_another(read.error().code)) return std::optional<Verification>();
  if (!read) return read.error();
  return std::optional<Verification>(std::move(*read));
}

// The store gave no answer, or may still be working on the request.
std::optional<std::chrono::milliseconds> LastLook::next(bool no_answer) const {
  const auto& last = unanswered();
  const bool may_come = last && (no_answer || last->sent || multipart_.all_sent());
  if (!may_come) return std::nullopt;
  return look_again_delay(std::chrono::floor<std::chrono::milliseconds>(context_.clock.now() - last->since),
                          no_answer || last->sent ? kLookFor : kLookForAfterCrash);
}

}  // namespace vodlift::worker
