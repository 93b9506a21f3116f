// Signatures by which a receiver knows that a request is ours.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace vodlift {

// The header webhook-signature of Standard Webhooks (standardwebhooks.com, symmetric scheme v1): "v1," and the base64
// of the HMAC-SHA256 of "id.timestamp.body". The key is the bytes that the secret ("whsec_" and base64) stands for.
// `timestamp` in Unix seconds. Pure. Errors: invalid_value (not such a secret); the message does not contain the
// secret.
Result<std::string> sign_webhook(const Secret& secret, std::string_view id, std::int64_t timestamp,
                                 std::string_view body);

}  // namespace vodlift
