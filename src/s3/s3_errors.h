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

// What to do about an error.
struct Advice {
  std::string text{};     // a customer may read it; empty: nothing
  std::string command{};  // the command of vodlift with which an operator does it; empty: none

  [[nodiscard]] std::string for_operator() const;  // "text (command)"
};

// What to do about an S3 error code.
Advice advice_on(std::string_view code);

// The Error for `failure`, with advice if there is any. The command is the error's detail.
Error to_error(const Failure& failure);

}  // namespace vodlift::s3
