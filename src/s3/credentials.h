// The credentials that sign a request, the port that finds them, and the documents that contain them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "core/bucket_access.h"

namespace vodlift::s3 {

// An access key with its secret, and a session token where it is temporary.
struct Credentials {
  std::string access_key;
  Secret secret_key;
  Secret session_token;             // empty for long-lived keys
  std::optional<WallTime> expires;  // nothing: not known
  bool may_change = false;          // comes from a file, which may be rewritten at any time
  std::string origin;               // for messages: "instance role uploader", "profile media"; never a secret

  [[nodiscard]] bool same_as(const Credentials& other) const {
    return access_key == other.access_key && secret_key.reveal() == other.secret_key.reveal() &&
           session_token.reveal() == other.session_token.reveal();
  }
};

// Port: finds the credentials of a bucket, again at each call. Any thread that may block.
class CredentialLoader {
 public:
  CredentialLoader() = default;
  CredentialLoader(const CredentialLoader&) = delete;
  CredentialLoader& operator=(const CredentialLoader&) = delete;
  virtual ~CredentialLoader() = default;

  // Errors: s3_credential (there are none, or they are refused; the message lists the places searched and says what to
  // do), and errors that pass by themselves: network, timeout, tls, s3_transient, interrupted.
  virtual Result<Credentials> load(const BucketAccess& access) = 0;
  // Ends running loads, and later ones, with `interrupted`.
  virtual void interrupt() = 0;
};

// Bytes of an answer that contains credentials, at most.
inline constexpr std::size_t kMaxCredentialAnswer = std::size_t{64} * 1024;

// Whether `credentials` can go into headers: a key of 1-128 visible ASCII characters without , and /; a secret of
// 1-256; a token of at most 16 KiB, which may be empty.
bool are_usable(const Credentials& credentials);

// Reads {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"}, the answer of a container's and an instance's
// endpoint. Sets `expires`, not `origin`. Pure. Errors: s3_credential (what is wrong, or the document's own error
// code); no message repeats a value.
Result<Credentials> parse_credentials_json(std::string_view json);

// The same for the answer of STS to `action` ("AssumeRole").
Result<Credentials> parse_sts_answer(std::string_view xml, const std::string& action);

}  // namespace vodlift::s3
