#include "worker/attempt.h"

#include "core/upload_log.h"

namespace vodlift::worker {

Result<std::optional<ObjectInfo>> Destination::look(const ObjectTarget& target, RunControl& control) {
  if (overwrite_ == Overwrite::replace) return std::optional<ObjectInfo>();
  const auto there = with_retries(control, [&] { return objects_.head(target); });
  if (there) {
    condition_ = WriteCondition::none;
    // Written by an earlier attempt whose answer was lost. It is replaced: the source may be another version by now.
    if (there->token == token_) return std::optional<ObjectInfo>();
    return std::optional<ObjectInfo>(*there);
  }
  switch (there.error().code) {
    case Errc::s3_not_found:
      condition_ = WriteCondition::absent_where_it_can_tell;
      return std::optional<ObjectInfo>();
    case Errc::s3_access_denied:  // some stores answer so for a missing object if the key may not list
      condition_ = WriteCondition::absent;
      return std::optional<ObjectInfo>();
    default:
      return there.error();
  }
}

// By the claim: an attempt that was interrupted goes on in a run of its own.
std::string span_of_run(const ClaimedUpload& claimed) {
  return span_id(claimed.upload.trace, "run " + std::to_string(claimed.lease.fence));
}

std::string object_name(const Upload& upload) { return vodlift::object_name(upload.request); }

PartBounds part_bounds(const BucketAccess& access, const ObjectStore& objects) {
  return {access.max_parts, access.part_size, objects.largest_body(access)};
}

}  // namespace vodlift::worker
