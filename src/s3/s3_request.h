// One S3 operation as a signed HTTP request.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/object_store.h"
#include "s3/aws_environment.h"
#include "s3/credentials.h"

namespace vodlift::s3 {

// As in UnsignedRequest: nothing is percent-encoded, names of headers are in lower case.
struct S3Operation {
  std::string method;
  std::string key;  // byte-exact; empty: the bucket itself
  std::vector<std::pair<std::string, std::string>> query;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

// Signed for `access.region` as of `now`; certificates and proxy as the environment says; no time limits yet.
net::HttpRequest signed_request(const BucketAccess& access, const Credentials& credentials,
                                const S3Operation& operation, const AwsEnvironment& environment, WallTime now);

// What asks for the checksum `offer` (crc32c, crc32c_composite or md5) of a multipart upload when it is begun.
std::vector<std::pair<std::string, std::string>> checksum_offer(ChecksumMode offer);

// The checksum that the store took, by its answer: it keeps to it for the parts and the whole.
ChecksumMode checksum_taken(const net::HttpResponse& created);

// Whether the refusal may be of an offer, so that a weaker one is worth a try: these codes have other causes as well.
bool may_refuse_checksums(const net::HttpResponse& response);

}  // namespace vodlift::s3
