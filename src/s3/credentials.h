// What signs a request, and the port of what finds it.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "core/account_store.h"

namespace vodlift::s3 {

struct Credentials {
  std::string access_key;
  Secret secret_key;
  Secret session_token;             // empty for long-lived keys
  std::optional<WallTime> expires;  // nothing: not told
  bool may_change = false;          // read from files that somebody may rewrite at any time
  std::string origin;               // for people: "instance role uploader", "profile media"; no secret in it

  [[nodiscard]] bool same_as(const Credentials& other) const {
    return access_key == other.access_key && secret_key.reveal() == other.secret_key.reveal() &&
           session_token.reveal() == other.session_token.reveal();
  }
};

// Finds the credentials of a bucket anew at each call. Any thread that may block.
class CredentialLoader {
 public:
  CredentialLoader() = default;
  CredentialLoader(const CredentialLoader&) = delete;
  CredentialLoader& operator=(const CredentialLoader&) = delete;
  virtual ~CredentialLoader() = default;

  // Errors: s3_credential (there are none, or they are refused; the message tells where was looked and what to do), and
  // those that pass by themselves: network, timeout, tls, s3_transient, interrupted.
  virtual Result<Credentials> load(const BucketAccess& access) = 0;
  // Ends loads under way, and later ones, with `interrupted`.
  virtual void interrupt() = 0;
};

}  // namespace vodlift::s3
