// Idempotency-Key: the same key gets the first answer, and nothing is done twice.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "core/upload_store.h"

namespace vodlift::rest {

inline constexpr std::size_t kMaxIdempotencyKeyBytes = 255;

// What stands for `key` in the store's record of signed requests until the end of the next day (UTC), so for 24 to 48
// hours. Nothing for an empty key.
RequestSignature signature_of(std::string_view key, WallTime now);

// The upload that the key got today or yesterday, if it did. `caller`: the key's owner, as in NewUpload::key_id.
// Errors: those of UploadStore::find_repeat().
Result<std::optional<UploadId>> find_repeat(UploadStore& uploads, std::int64_t caller, std::string_view key,
                                            WallTime now);

// Errors: invalid_value (not 1 to kMaxIdempotencyKeyBytes visible ASCII characters).
Result<> check_idempotency_key(std::string_view key);

}  // namespace vodlift::rest
