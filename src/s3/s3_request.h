// How a request to S3 is built: where it goes, its headers, and its signature.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/object_store.h"
#include "s3/aws_configuration.h"
#include "s3/credentials.h"
#include "s3/sigv4.h"

namespace vodlift::s3 {

// Where a bucket's requests go.
struct Address {
  std::string origin;  // "https://bucket.s3.eu-west-1.amazonaws.com"
  std::string host;    // the Host header; without the port where it is the scheme's default
  std::string prefix;  // "/bucket" in path style, behind the endpoint's own path; else empty
};

// Virtual-host style, unless the bucket is set to path style or its name cannot be part of a host name: because of
// characters that DNS or a wildcard certificate does not allow (`my_bucket`, `A`, `a.b` over TLS, more than 63), or
// because the endpoint is an IP address or localhost, or has a path.
Address address_of(const BucketAccess& access);

inline constexpr std::string_view kTokenHeader = "x-amz-meta-vodlift-upload";
// In requests: how to encrypt an object. In answers: how it is encrypted. "AES256", "aws:kms" or "aws:kms:dsse".
inline constexpr std::string_view kEncryptionHeader = "x-amz-server-side-encryption";
inline constexpr std::string_view kKms = "aws:kms";

// The headers that are stored with an object or decide how it is stored, with lower-case names. acl=private yields no
// header, which means private everywhere: buckets with ACLs disabled refuse the header.
std::vector<std::pair<std::string, std::string>> object_headers(const ObjectProperties& properties);

// The headers that ask the store to encrypt an object. They go with PutObject and CreateMultipartUpload, never with a
// part.
std::vector<std::pair<std::string, std::string>> encryption_headers(const Encryption& encryption);

// `value` in a form that a header can carry: ASCII as it is, any other text by RFC 2047 (=?UTF-8?B?…?=), which S3
// decodes.
std::string metadata_header_value(std::string_view value);

// One S3 operation. Like in UnsignedRequest, nothing is percent-encoded, and names of headers are in lower case.
struct S3Operation {
  std::string method;
  std::string key;  // byte-exact; empty: the bucket itself
  std::vector<std::pair<std::string, std::string>> query;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string_view payload_hash = kUnsignedPayload;
};

// `operation` as an HTTP request: signed for `access.region` as of `now`, with certificates and proxy of the
// environment, without time limits. Pure.
net::HttpRequest signed_request(const BucketAccess& access, const Credentials& credentials, S3Operation operation,
                                const AwsEnvironment& environment, WallTime now);

// The same for somebody without a key: no headers, no signature. Pure.
net::HttpRequest anonymous_request(const BucketAccess& access, S3Operation operation,
                                   const AwsEnvironment& environment);

}  // namespace vodlift::s3
