// When to try again: requests inside an attempt, attempts of an upload, deliveries of a callback. Pure arithmetic.
#pragma once

#include <chrono>
#include <optional>

#include "base/error.h"

namespace vodlift {

// No upload and no callback waits longer than this for its next attempt.
inline constexpr std::chrono::milliseconds kLongestUploadWait = std::chrono::hours(1);
inline constexpr std::chrono::milliseconds kLongestCallbackWait = std::chrono::hours(27);  // 24 h and 10 % of jitter
// One S3 request is tried at most this often within one attempt.
inline constexpr int kMaxRequestTries = 5;
// An upload is attempted at most this often.
inline constexpr int kMaxUploadAttempts = 12;
// An upload that is not sent because its endpoint, its bucket or the bucket's key does not work waits, and counts no
// attempt. This holds so long after its first attempt began; after that each attempt counts.
inline constexpr std::chrono::hours kUncountedFor{72};
// A callback is delivered at most this often, each time that it is sent: 0, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h,
// 20 h, 24 h.
inline constexpr int kMaxCallbackAttempts = 10;

// Full jitter before try `next_try` (2, 3, …) of a request: uniform in [0, min(20 s, base * 2^(next_try - 2))], base
// 100 ms, or 1 s where the store said to slow down. `unit` is uniform in [0, 1). Nothing when no further try is due:
// the tries are used up or the error will not pass by itself.
std::optional<std::chrono::milliseconds> request_retry_delay(Errc error, int next_try, double unit);

// Before attempt `attempts_made + 1` of an upload: half fixed, half jitter, of min(1 h, 5 s * 3^(attempts_made - 1)).
// Nothing when the attempts are used up or the error will not pass by itself. An operator mends a refused key.
std::optional<std::chrono::milliseconds> upload_retry_delay(const Error& error, int attempts_made, double unit);

// Before an upload is tried again that waits for a key, an endpoint or a bucket, where it is not known when requests go
// there again: half fixed, half jitter, of 1 min.
std::chrono::milliseconds uncounted_retry_delay(double unit);

// How long an upload's object is looked for, from the last request on that may have put it in place; and if it is not
// known that one was sent, because the worker died.
inline constexpr std::chrono::milliseconds kLookFor = std::chrono::minutes(5);
inline constexpr std::chrono::milliseconds kLookForAfterCrash = std::chrono::seconds(30);

// Whether a PutObject or Complete that ended with `code` may have put the object in its place: the store has not
// refused it.
bool may_have_landed(Errc code);

// The wait before the next look for the object, `since` such a request: 5 s at first, then as long as it was waited
// already, 1 min at most, and not beyond `look_for`. Nothing once that has passed.
std::optional<std::chrono::milliseconds> look_again_delay(std::chrono::milliseconds since,
                                                          std::chrono::milliseconds look_for);

// After `attempts_made` deliveries of a callback, the wait before the next one: the schedule above with 10 % of jitter,
// or `retry_after` where that is longer (24 h at most). Nothing after the last.
std::optional<std::chrono::milliseconds> callback_retry_delay(int attempts_made,
                                                              std::optional<std::chrono::seconds> retry_after,
                                                              double unit);

}  // namespace vodlift
