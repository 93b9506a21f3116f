// Secrets that the server hands out and only recognises later: of sessions, bearer tokens and set-up links.
#pragma once

#include <string_view>

#include "base/hash.h"
#include "base/secret.h"

namespace vodlift {

// What is stored in place of the secret. SHA-256 without salt and without work is enough, because the secret is random:
// nobody can guess 256 bits, however fast the hash is.
using AccessHash = Sha256Digest;

struct AccessSecret {
  Secret text;      // for the one who gets it; shown once
  AccessHash hash;  // for the store
};

// A new one: `prefix` and 256 random bits as hexadecimal. The prefix says what it is for, so that a secret that was
// published by mistake can be recognised. Any thread.
AccessSecret make_access_secret(std::string_view prefix);

// The hash of what a client shows.
AccessHash access_hash(std::string_view shown);

inline constexpr std::string_view kSessionPrefix = "vls_";
inline constexpr std::string_view kTokenPrefix = "vlt_";
inline constexpr std::string_view kLinkPrefix = "vll_";

// What a session must send with each change, besides its cookie. It follows from the session's secret, so it is not
// stored and ends with the session; the secret does not follow from it.
Secret csrf_of(const Secret& session);
// Whether `shown` is it, in time that does not depend on where they differ.
bool is_csrf_of(const Secret& session, std::string_view shown);

}  // namespace vodlift
