// The documents that credentials come in: metadata JSON, STS XML, INI files. Foreign bytes: bounded, strictly read; no
// message repeats a value.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "s3/credentials.h"

namespace vodlift::s3 {

inline constexpr std::size_t kMaxCredentialAnswer = std::size_t{64} * 1024;
inline constexpr std::size_t kMaxAwsFileBytes = std::size_t{256} * 1024;

// "2026-11-24T20:00:00Z", a fraction of a second allowed. Nothing for any other text or a day that does not exist.
std::optional<WallTime> parse_iso_time(std::string_view text);

// Whether these can go into headers: a key of 1-128 visible ASCII characters without , and /; a secret of 1-256; a
// token of at most 16 KiB, which may be empty.
bool are_usable(const Credentials& credentials);

// {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"}, which the container and the instance endpoint answer.
// `expires` is always there; `origin` is left empty. Errors: s3_credential (what is wrong, or the code that the
// document tells instead).
Result<Credentials> parse_credentials_json(std::string_view json);

// The Credentials of an STS answer to `action` ("AssumeRole"). As above.
Result<Credentials> parse_sts_answer(std::string_view xml, const std::string& action);

struct StsError {
  std::string code;
  std::string message;
};
// Nothing when `xml` is not STS's ErrorResponse.
std::optional<StsError> parse_sts_error(std::string_view xml);

// Sections by name (white space between their words as one space), settings by name in lower case. What belongs to a
// setting on further, indented lines is dropped.
using IniFile = std::map<std::string, std::map<std::string, Secret>>;

// An AWS configuration or credentials file. Of a section or setting that is there twice the later value counts.
// Errors: config_invalid ("line 3: …").
Result<IniFile> parse_ini(std::string_view text);

}  // namespace vodlift::s3
