// Uploads as lines of JSON, in files that nothing else of vodlift reads.
#pragma once

#include <filesystem>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "core/upload.h"

namespace vodlift::worker {

// FOLDER/uploads-YYYY-MM.jsonl has the uploads that ended in that month (UTC). One thread.
class UploadArchive {
 public:
  // The folder is made when it is first needed, with mode 0700; the one that it lies in must be there.
  explicit UploadArchive(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Adds a line for each of `uploads`, which have ended, and answers when the disk has all of them. After an error some
  // may have been added. Errors: io_error.
  Result<> add(const std::vector<Upload>& uploads, WallTime now);

 private:
  const std::filesystem::path folder_;
};

}  // namespace vodlift::worker
