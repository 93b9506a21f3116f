// AWS Signature Version 4 for S3, by request headers.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"

namespace vodlift::s3 {

inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
// For a body with its checksum after it: TrailingBody.
inline constexpr std::string_view kUnsignedPayloadTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

struct SigningCredentials {
  std::string access_key;
  Secret secret_key;
  Secret session_token;  // empty for long-lived keys
  std::string region;
  std::string service = "s3";
};

// A request before it is signed. Nothing in it is percent-encoded; the signer encodes each byte exactly once.
struct UnsignedRequest {
  std::string method;
  std::string host;  // of the Host header: with the port unless that is the scheme's default
  std::string path;  // "/bucket/key", byte-exact: S3 never normalises a key
  std::vector<std::pair<std::string, std::string>> query;
  // Names in lower case; all are signed. host, x-amz-date, x-amz-content-sha256 and x-amz-security-token are added
  // here.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string payload_hash{kUnsignedPayload};  // or kUnsignedPayloadTrailer, or SHA-256 in lower-case hex
};

// A request that is ready to be sent.
struct SignedRequest {
  std::string path_and_query;        // percent-encoded
  std::vector<std::string> headers;  // "name: value"; every header that must be sent, except Host
  std::string authorization;         // the value of the Authorization header, which `headers` contains too
};

// Signs `request` for `credentials.service` as of `now`. Pure; any thread.
// Source: "Authenticating Requests: Using the Authorization Header", Amazon S3 API Reference, read 2026-11-23.
SignedRequest sign(const UnsignedRequest& request, const SigningCredentials& credentials, WallTime now);

}  // namespace vodlift::s3
