// What an S3 failure means for the upload: one table from S3's words to ours.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace vodlift::s3 {

// The class of an answer with HTTP `status` and S3 error `code` (empty: the body had none).
Errc classify(int status, std::string_view code);

// An answer that is not the one hoped for.
struct Failure {
  std::string operation;  // "UploadPart 17"
  std::string bucket;
  std::string key;
  int status = 0;
  std::string code;
  std::string message;
  std::string region;      // the bucket's own, where the store told
  std::string request_id;  // the store's, for its support
  bool sent_public_acl = false;
};

// Whether it was the key management service that refused.
bool is_of_kms(const Failure& failure);

// What to do about an S3 error code; empty: no more than its name says.
std::string_view advice_on(std::string_view code);

// The Error for `failure`, with what to do about it where that is known.
Error to_error(const Failure& failure);

}  // namespace vodlift::s3
