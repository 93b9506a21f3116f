// What a refusal by S3 means for the upload: one table from S3's error codes to ours, with advice.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace vodlift::s3 {

// An answer other than success.
struct Failure {
  std::string operation;  // "UploadPart 17"
  std::string bucket;
  std::string key;
  int status = 0;
  std::string code;
  std::string message;
  std::string unread;      // the beginning of a body that is no error document, as of a proxy; never shown to customers
  std::string region;      // the bucket's own; empty: not known
  std::string request_id;  // by which the store's support finds the request
  bool sent_public_acl = false;
};

// What the answer means. Its code decides; where the code is unknown, or is one that stores use for anything, the
// status and the words of code, message and body decide.
Errc classify(const Failure& failure);

// Whether the key management service refused.
bool is_of_kms(const Failure& failure);

// What to do about an S3 error code; may be empty.
std::string_view advice_on(std::string_view code);

// The Error for `failure`, with advice if there is any.
Error to_error(const Failure& failure);

}  // namespace vodlift::s3
