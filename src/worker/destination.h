// The place at the store where an upload wants to put its object, for one that must not replace another's.
#pragma once

#include <optional>
#include <string>

#include "core/object_store.h"
#include "worker/run_control.h"

namespace vodlift::worker {

// One per run; one thread.
class Destination {
 public:
  // `token`: marks the objects of this upload.
  Destination(ObjectStore& objects, Overwrite overwrite, std::string token)
      : objects_(objects), overwrite_(overwrite), token_(std::move(token)) {}

  // Looks at what is there, and from then on condition() is what the object has to be written under. Answers the object
  // of somebody else that is there; nothing when the way is free, when what is there is this upload's own, when it
  // cannot be seen (the condition tells then), and always where replacing is what is wanted. Blocks.
  Result<std::optional<ObjectInfo>> look(const ObjectTarget& target, RunControl& control);

  [[nodiscard]] WriteCondition condition() const { return condition_; }

 private:
  ObjectStore& objects_;
  const Overwrite overwrite_;
  const std::string token_;
  WriteCondition condition_ = WriteCondition::none;
};

}  // namespace vodlift::worker
