// Rules that every store of uploads follows, without any I/O.
#pragma once

#include <chrono>
#include <vector>

#include "core/callback_queue.h"
#include "core/upload_store.h"
#include "core/work_queue.h"

namespace vodlift {

// How long a signature is kept after its request's timestamp: longer than a request can be valid on either side of the
// clock.
inline constexpr std::chrono::milliseconds kKeepSignatures = std::chrono::hours(1);

// What is kept of a signed request: enough to recognise it, not enough to send it again. Empty for an unsigned one.
RequestSignature stored_digest(const RequestSignature& signature);

// Whether the upload is in one of the query's states and in its scope.
bool is_wanted(const Upload& upload, const UploadQuery& query);

// Sorted, without repeats.
std::vector<UploadId> newest_first(std::vector<UploadId> ids);

// For so long after the removal of an account, a key or a bucket an upload may come that was checked before it: longer
// than any request waits between the check of its fields and the insert.
inline constexpr std::chrono::minutes kRemovalFelt{10};
// The answer to such an upload whose key is gone: not_authorized. For a bucket: no_such_bucket().
Error key_is_removed();

// Counts one more upload that is ready: since when, and how many bytes are to be sent. False: there are too many, and
// it is not counted.
bool add_ready(ReadyUploads& ready, WallTime since, std::int64_t rest);

// Errors: internal (an upload does not end like this).
Result<> check_ending(const Lease& lease, const UploadEnding& ending);

// Whether a callback may be in this state after an attempt.
bool may_follow_an_attempt(CallbackState state);

// A store keeps so many bytes of the error of a delivery attempt.
inline constexpr std::size_t kMaxCallbackErrorBytes = 512;
// Uploads or callbacks that one call claims at most; of uploads that one read may find.
inline constexpr std::size_t kMaxClaimed = 1000;
inline constexpr int kMaxFound = 100;

}  // namespace vodlift
