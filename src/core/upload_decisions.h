// What becomes of an upload: the rules, without any I/O. A store reads the facts, asks here, and carries out the answer
// in the same transaction.
#pragma once

#include <optional>
#include <string_view>
#include <variant>

#include "core/upload.h"

namespace vodlift {

// What the client of an upload under way asked for, until its worker gives the upload back.
enum class Wanted { nothing, pause, cancel };
std::string_view to_string(Wanted wanted);  // "", "pause", "cancel": as a database stores it
std::optional<Wanted> wanted_from(std::string_view word);

// How a store carries out a change.
enum class ChangeStep {
  cancel,       // queued or paused -> cancelled, with the callback and everything else that an end brings
  pause,        // queued -> paused
  resume,       // paused -> queued, in its old place, due now
  run_now,      // queued: in its old place, due now
  prioritize,   // not ended: another priority, and nothing else
  want_cancel,  // uploading: keep Wanted::cancel and recall the lease
  want_pause,   // uploading: keep Wanted::pause and recall the lease
  want_nothing  // uploading: forget Wanted::pause
};

// Why an upload cannot be changed. Each door words it for its users.
enum class ChangeRefusal {
  has_ended,       // no retry: completed, failed or cancelled; an end is final
  is_completed,    // a retry
  ended_just_now,  // a retry: the upload failed or was cancelled after the caller looked; another retry may succeed
  is_paused,       // a pause or a retry
  is_running,      // a retry: uploading
  is_cancelling,   // a pause or a priority: uploading, and a cancellation was asked for
  is_not_paused    // a resume: queued or uploading
};

// Total: every change of every state has an answer. `wanted` counts only while the upload is uploading.
std::variant<ChangeStep, ChangeRefusal> decide_change(UploadState state, Wanted wanted, UploadChange change);

// The state that an upload gets when its worker gives it back unfinished: queued, paused or cancelled.
UploadState decide_requeue(Wanted wanted);

// An upload during which its worker crashed this often, in a row and without one more part sent in between, is a
// suspect: it runs alone on its node, so that it becomes clear whether it makes the worker crash.
inline constexpr int kSuspectCrashes = 2;

// The same for an upload whose worker is gone. `crashes_alone`: how often in a row that has happened now without one
// more part sent in between, while no other upload was under way on the node. With `max_crashes` of them the upload is
// failed, but what its client wants goes first.
UploadState decide_rescue(Wanted wanted, int crashes_alone, int max_crashes);

// The error of an upload that decide_rescue() lets fail.
UploadError crashed_repeatedly(int crashes);

// What an upload keeps of an error. The text of a fault of the server itself, such as its database or a disk, is the
// operator's: the customer reads only that there was one.
UploadError upload_error(const Error& error);

// The answer to an upload to a bucket that its account does not have: bucket_not_configured.
Error no_such_bucket(std::string_view bucket);

// An account has this many uploads that have not ended at most, unless the operator set another number.
inline constexpr std::int64_t kMostOpenUploads = 1'000'000;

// The answer to one upload more: overloaded, nothing was queued.
Error too_many_open_uploads(AccountId account, std::int64_t most);

}  // namespace vodlift
