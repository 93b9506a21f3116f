// What the attempt at an upload that is under way sends, and where to.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/object_store.h"
#include "core/storage.h"
#include "core/upload.h"
#include "core/upload_options.h"
#include "worker/destination.h"

namespace vodlift::worker {

// UploadRun fills it in as it finds out; MultipartRun works on it. One thread.
struct Attempt {
  Destination destination;
  std::optional<ExpectedChecksum> expected;  // of the source
  ObjectTarget target{};
  ObjectProperties properties{};
  std::shared_ptr<const SourceFile> source{};
  std::string storage{};  // that it lies on
};

// For logs and messages.
inline std::string object_name(const Upload& upload) {
  return "s3://" + upload.request.bucket + "/" + upload.request.destination_path;
}

}  // namespace vodlift::worker
