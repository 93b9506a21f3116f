// What happens to uploads on their way to an end. Each function runs inside a transaction of the caller's.
#pragma once

#include <optional>
#include <vector>

#include "core/attempt_history.h"
#include "core/upload_decisions.h"
#include "core/work_queue.h"
#include "postgres/pg_queue.h"

namespace vodlift::postgres {

// An upload that has not ended. Locked: nobody else changes it before the transaction ends.
struct OpenUpload {
  UploadId id = 0;
  AccountId account = 0;
  UploadState state{};
  std::int64_t size = 0;
  std::optional<UploadId> waiting_on{};
  Wanted wanted = Wanted::nothing;  // what its client asked for
  std::int64_t fence = 0;
  bool wants_callback = false;
  UploadAttempt run{};  // that is under way, where it is uploading: as far as it is known
};

// Locks those of these uploads that have not ended, in the order of their ids, and answers them so.
std::vector<OpenUpload> lock_open(PgConnection& connection, const std::vector<UploadId>& ids);

// The one that runs under this lease. Nothing: the lease is lost.
std::optional<OpenUpload> lock_held(PgConnection& connection, const Lease& lease);
bool is_held(const OpenUpload& open, const Lease& lease);

// An end of a locked upload.
struct EndOfUpload {
  OpenUpload open;
  UploadEnding ending;
  std::optional<AttemptEnd> how{};  // its run ended, for the history; nothing: it did not run
};

// Ends these uploads, with all that an end brings: they are counted in their new state, recorded parts are forgotten,
// what may be open at the store is left to the reaper, successors may run, callbacks are due.
void end_uploads(PgTransaction& transaction, const std::vector<EndOfUpload>& ends, const PgQueue& queue);

// Ends an upload that is queued or paused as cancelled.
void cancel_waiting(PgTransaction& transaction, const OpenUpload& open, const PgQueue& queue);

// Whether an upload comes back because its worker is gone, and whether it was the only one that the worker held.
enum class Crash { none, in_company, alone };

// Queues a running upload again, or pauses or cancels it where its client asked for that. `crash`: its worker went
// down. Errors: internal.
Result<> requeue_upload(PgTransaction& transaction, const OpenUpload& open, const Requeue& how, Crash crash,
                        const PgQueue& queue);

// Pauses an upload that is queued. Errors: internal (it is not).
Result<> pause_queued(PgTransaction& transaction, const OpenUpload& open);

}  // namespace vodlift::postgres
