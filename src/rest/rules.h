// The rules for values of accounts, keys and buckets. Errors of every check: invalid_value; the message names the field
// and says what is expected, and never shows a secret.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace vodlift::rest {

// The account's folder on the storages: 1-64 of A-Z a-z 0-9 . _ -, beginning with a letter, a digit or _.
Result<> check_user(std::string_view user);

// An API key to import: 8-128 printable ASCII characters, and no space at an end; it comes in JSON and in paths, where
// all of them can be written.
Result<> check_api_key(std::string_view api_key);

// A secret to import: 16-256 printable ASCII characters, spaces too.
Result<> check_api_secret(std::string_view secret);

// "http://host[:port][/path]" or with https, as it is kept: scheme and host in lower case, without a dot behind the
// host and without slashes at the end. The host is a name, which may hold underscores, an IPv4 or a bracketed IPv6
// address.
Result<std::string> normal_endpoint(std::string_view endpoint);

// 1-64 of A-Z a-z 0-9 _ -.
Result<> check_region(std::string_view region);

// 1-128 printable ASCII characters without spaces, commas and slashes, because it becomes part of a header.
Result<> check_access_key(std::string_view access_key);

// 1-256 printable ASCII characters without spaces.
Result<> check_secret_key(std::string_view secret_key);

// A profile's name in the AWS files: 1-128 printable ASCII characters without ] and without spaces at its ends.
Result<> check_profile(std::string_view profile);

// "arn:PARTITION:iam::ACCOUNT:role/NAME", 2048 bytes at most.
Result<> check_role_arn(std::string_view role_arn);

// 2-1224 of A-Z a-z 0-9 _ + = , . @ : / -, as in STS.
Result<> check_external_id(std::string_view external_id);

// A KMS key: its id, its ARN, "alias/NAME" or an alias's ARN; 1-2048 of A-Z a-z 0-9 : / _ -.
Result<> check_kms_key(std::string_view kms_key);

}  // namespace vodlift::rest
