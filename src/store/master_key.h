// The file that holds the master key.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"
#include "base/secret.h"

namespace vodlift::store {

// The key in `path`: Seal::kKeyBytes raw bytes, readable by its owner only. Where the file is missing and `may_create`
// is true, a new random key is written there first (mode 0600, synced). Pass false when something is sealed already
// (SqliteAccountRepository::holds_secrets): a new key could not open it.
// Errors: config_invalid (missing and may_create is false, readable by others, wrong size, not a regular file),
// io_error.
Result<Secret> load_or_create_master_key(const std::filesystem::path& path, bool may_create);

// Tells master keys apart, and says nothing else of them: 16 hexadecimal digits.
std::string fingerprint_of(const Secret& master_key);

}  // namespace vodlift::store
