// Rules about abandoned multipart uploads: which Creates may leave one, when the reaper tries again, and which ones it
// may take for ours. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/multipart_ledger.h"
#include "core/object_store.h"

namespace vodlift {

// No abandoned multipart upload waits longer than this for its next attempt.
inline constexpr std::chrono::milliseconds kLongestReaperWait = std::chrono::hours(6);

// Creates of one upload that were sent further apart are searched for separately: a search is the safer the shorter the
// time that it covers.
inline constexpr std::chrono::minutes kOneSearch{10};

// Whether a Create that ended with `code` may have opened a multipart upload although it failed: the store has not
// refused it.
bool create_may_have_worked(Errc code);

// How long the reaper waits after `attempts` failed attempts, from 1: `first`, doubled with each attempt, 6 h at most.
std::chrono::milliseconds reaper_retry_delay(int attempts, std::chrono::milliseconds first);

// Whether the other entries of the same bucket would fail with `code` too.
bool concerns_whole_bucket(Errc code);

// The listed multipart uploads that a Create of `entry` may have opened: `known` has none of them, and they were begun
// while such a Create could have been under way. Errors: s3_unverifiable (the store does not report when they were
// begun).
Result<std::vector<ListedMultipart>> opened_by(const AbandonedMultipart& entry, const MultipartListing& listing,
                                               const std::vector<std::string>& known);

// Whether the store reports who began these multipart uploads.
bool have_initiators(const std::vector<ListedMultipart>& listed);

// The ids of `candidates` that must be ours. `principal` is our own at this store; nothing: it reports no initiators.
// Errors: s3_unverifiable (more remain than `creates`, so some are another program's).
Result<std::vector<std::string>> surely_ours(const std::vector<ListedMultipart>& candidates,
                                             const std::optional<std::string>& principal, int creates);

}  // namespace vodlift
