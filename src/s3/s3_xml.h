// The XML that S3 speaks: what vodlift sends and what it reads. Foreign bytes: bounded, no DTD, no entities of theirs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/object_store.h"

namespace vodlift::s3 {

// An <Error> document.
struct ErrorDocument {
  std::string code;  // "NoSuchBucket"
  std::string message;
  std::string region;
  std::string request_id;
};

// Nothing when `xml` is not an error document.
std::optional<ErrorDocument> parse_error(std::string_view xml);

// The UploadId of an InitiateMultipartUploadResult; nothing for anything else.
std::optional<std::string> parse_upload_id(std::string_view xml);

// One page of ListParts.
struct PartsPage {
  std::vector<ListedPart> parts;
  bool truncated = false;
  int next_marker = 0;
};
std::optional<PartsPage> parse_parts(std::string_view xml);

// The ObjectOwnership of an OwnershipControls document; nothing for anything else.
std::optional<std::string> parse_object_ownership(std::string_view xml);

// One page of ListMultipartUploads.
struct UploadsPage {
  struct Entry {
    std::string key;
    ListedMultipart upload;
  };
  std::vector<Entry> uploads;
  bool truncated = false;
  std::string next_key;  // where the next page begins
  std::string next_id;
};
std::optional<UploadsPage> parse_uploads(std::string_view xml);

// A CompleteMultipartUploadResult; nothing for anything else (an error document, half an answer, none).
std::optional<CompletedObject> parse_completed(std::string_view xml);

// The body of CompleteMultipartUpload; with checksums where the upload was opened with CRC32C.
std::string complete_body(const std::vector<Part>& parts, bool with_checksums);

}  // namespace vodlift::s3
