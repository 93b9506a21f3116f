// The documents in XML that vodlift reads from S3 and STS, and the one that it sends. The caller bounds their size.
// DTDs are not read, and only the five entities of XML itself are expanded. An answer of S3 is taken by what it holds,
// whatever the name of its root, its namespace, white space or the order of elements. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "core/object_store.h"

namespace vodlift::s3 {

// "2026-11-24T20:00:00Z", with a fraction of up to 11 digits, of which whole milliseconds count. Nothing for any other
// text, a day that does not exist, or a time before 1970.
std::optional<WallTime> parse_iso_time(std::string_view text);

// An <Error> document.
struct ErrorDocument {
  std::string code;  // "NoSuchBucket"
  std::string message;
  std::string region;
  std::string request_id;
};

// Nothing unless `xml` is an error document.
std::optional<ErrorDocument> parse_error(std::string_view xml);

// The UploadId that the answer to CreateMultipartUpload holds; nothing if it holds none, or tells of an error.
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

// Whether everyone may read an object by the grants that the answer to GetObjectAcl lists; nothing if it lists none.
std::optional<bool> parse_public_read(std::string_view xml);

// One page of ListMultipartUploads.
struct UploadsPage {
  struct Entry {
    std::string key;
    ListedMultipart upload;
  };
  std::vector<Entry> uploads;
  bool truncated = false;
  std::string next_key;  // where the next page begins, together with next_id
  std::string next_id;
};
std::optional<UploadsPage> parse_uploads(std::string_view xml);

// What the answer to Complete tells; nothing if it has no ETag, such as an error document, half an answer or no answer.
std::optional<CompletedObject> parse_completed(std::string_view xml);

// The body of CompleteMultipartUpload. `with_checksums`: the multipart upload was opened with CRC32C.
std::string complete_body(const std::vector<Part>& parts, bool with_checksums);

// The Credentials of an STS answer, not checked yet.
struct StsCredentials {
  std::string access_key;
  Secret secret_key;
  Secret session_token;  // cut to max_token_bytes + 1
  std::string expiration;
};
// Nothing unless `xml` is STS's answer to `action` ("AssumeRole").
std::optional<StsCredentials> parse_sts_credentials(std::string_view xml, const std::string& action,
                                                    std::size_t max_token_bytes);

struct StsError {
  std::string code;
  std::string message;
};
// Nothing unless `xml` is STS's ErrorResponse.
std::optional<StsError> parse_sts_error(std::string_view xml);

}  // namespace vodlift::s3
