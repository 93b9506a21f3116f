#include "core/source_verdict.h"

#include <fmt/format.h>

namespace vodlift {
namespace {

SourceVerdict of_completed(const Upload& upload) {
  if (upload.kept()) {
    return {false,
            "No: the bucket already had an object with this key, so nothing was sent. Whether that object equals the "
            "file was not compared."};
  }
  if (upload.verification.checksum.empty()) return {false, "No: nothing says that the store has confirmed the bytes."};
  return {true, fmt::format("Yes, as far as this upload is concerned: the store confirmed all {} bytes ({}).",
                            upload.size, upload.verification.checksum)};
}

}  // namespace

SourceVerdict source_verdict(const Upload& upload) {
  switch (upload.state) {
    case UploadState::completed:
      return of_completed(upload);
    case UploadState::failed:
      return {false, "No: the upload failed. The file is needed to try again."};
    case UploadState::cancelled:
      return {false, "No: the upload was cancelled, and the file may not be in the bucket."};
    case UploadState::paused:
      return {false, "No: the upload is paused and not complete."};
    case UploadState::queued:
    case UploadState::uploading:
      break;
  }
  return {false, "No: the upload is not complete."};
}

}  // namespace vodlift
