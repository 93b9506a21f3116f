// One S3 operation as a signed HTTP request.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/object_store.h"
#include "s3/aws_environment.h"
#include "s3/credentials.h"
#include "s3/sigv4.h"

namespace vodlift::s3 {

// As in UnsignedRequest: nothing is percent-encoded, names of headers are in lower case.
struct S3Operation {
  std::string method;
  std::string key;  // byte-exact; empty: the bucket itself
  std::vector<std::pair<std::string, std::string>> query;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string_view payload_hash = kUnsignedPayload;
};

// Signed for `access.region` as of `now`; certificates and proxy as the environment says; no time limits yet.
net::HttpRequest signed_request(const BucketAccess& access, const Credentials& credentials,
                                const S3Operation& operation, const AwsEnvironment& environment, WallTime now);

}  // namespace vodlift::s3
