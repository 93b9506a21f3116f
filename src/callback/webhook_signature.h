// Signatures of Standard Webhooks (standardwebhooks.com, symmetric scheme v1): how a receiver knows a callback is ours.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace vodlift::callback {

// The value of the header webhook-signature: "v1," and the base64 of the HMAC-SHA256 of "id.timestamp.body", keyed with
// the bytes that the secret ("whsec_" and base64) stands for. `timestamp` in Unix seconds. Any thread.
// Errors: invalid_value (not such a secret); the message does not contain it.
Result<std::string> sign(const Secret& secret, std::string_view id, std::int64_t timestamp, std::string_view body);

}  // namespace vodlift::callback
