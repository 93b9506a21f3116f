// The headers that travel with an object: content type, ACL, metadata, tags and the like.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/object_store.h"

namespace vodlift::s3 {

inline constexpr std::string_view kTokenHeader = "x-amz-meta-vodlift-upload";
// How an object is to be encrypted, and in answers how it is: "AES256", "aws:kms" or "aws:kms:dsse".
inline constexpr std::string_view kEncryptionHeader = "x-amz-server-side-encryption";
inline constexpr std::string_view kKms = "aws:kms";

// Lower-case names. acl=private yields no header: buckets with ACLs disabled refuse any other than
// bucket-owner-full-control, and no header means the same everywhere.
std::vector<std::pair<std::string, std::string>> object_headers(const ObjectProperties& properties);

// What asks the store to encrypt an object. Goes with the request that begins it (PutObject, CreateMultipartUpload),
// never with a part.
std::vector<std::pair<std::string, std::string>> encryption_headers(const Encryption& encryption);

// `value` as a header can carry it: ASCII as it is, else RFC 2047 (=?UTF-8?B?…?=), which S3 decodes.
std::string metadata_header_value(std::string_view value);

}  // namespace vodlift::s3
