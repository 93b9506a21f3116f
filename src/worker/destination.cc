#include "worker/destination.h"

namespace vodlift::worker {

Result<std::optional<ObjectInfo>> Destination::look(const ObjectTarget& target, RunControl& control) {
  if (overwrite_ == Overwrite::replace) return std::optional<ObjectInfo>();
  const auto there = with_retries(control, [&] { return objects_.head(target); });
  if (there) {
    // Its own, of an attempt whose answer was lost: it is written over, for the source may be another version by now.
    condition_ = WriteCondition::none;
    if (there->token == token_) return std::optional<ObjectInfo>();
    return std::optional<ObjectInfo>(*there);
  }
  switch (there.error().code) {
    case Errc::s3_not_found:
      condition_ = WriteCondition::absent_where_it_can_tell;
      return std::optional<ObjectInfo>();
    case Errc::s3_access_denied:  // some stores answer so for an object that is not there, to a key that may not list
      condition_ = WriteCondition::absent;
      return std::optional<ObjectInfo>();
    default:
      return there.error();
  }
}

}  // namespace vodlift::worker
