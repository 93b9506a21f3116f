#include "core/store_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "base/encoding.h"
#include "base/hash.h"

namespace vodlift {

RequestSignature stored_digest(const RequestSignature& signature) {
  if (signature.mac.empty()) return {};
  const Sha256Digest digest = sha256(bytes_of(signature.mac));
  return {signature.timestamp, {digest.begin(), digest.end()}};
}

bool is_wanted(const Upload& upload, const UploadQuery& query) {
  const bool in_state = query.states.empty() || std::ranges::find(query.states, upload.state) != query.states.end();
  return in_state && query.scope.holds(upload.request);
}

std::vector<UploadId> newest_first(std::vector<UploadId> ids) {
  std::sort(ids.begin(), ids.end(), std::greater<>());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

Error key_is_removed() { return {Errc::not_authorized, "the API key was removed just now; nothing was queued"}; }

bool add_ready(ReadyUploads& ready, WallTime since, std::int64_t rest) {
  if (ready.uploads == kMostReadyLookedAt) {
    ready.complete = false;
    return false;
  }
  if (ready.uploads++ == 0 || since < ready.longest) ready.longest = since;
  const std::int64_t room = std::numeric_limits<std::int64_t>::max() - ready.bytes;
  ready.bytes += std::min(rest, room);
  return true;
}

Result<> check_ending(const Lease& lease, const UploadEnding& ending) {
  if (!may_move(UploadState::uploading, ending.state) || !is_end(ending.state)) {
    return Error{Errc::internal, fmt::format("upload {}: {} is no end", lease.id, to_string(ending.state))};
  }
  if ((ending.state == UploadState::failed && !ending.error) ||
      (ending.state == UploadState::completed && ending.error)) {
    return Error{Errc::internal,
                 fmt::format("upload {}: a failed upload has an error, a completed one has none", lease.id)};
  }
  return {};
}

bool may_follow_an_attempt(CallbackState state) {
  return state == CallbackState::pending || state == CallbackState::delivered || state == CallbackState::failed ||
         state == CallbackState::stopped;
}

}  // namespace vodlift
