// What happens to a row of `uploads` on its way to an end. Each function runs inside a transaction of the caller's, on
// the writer's thread of the queue's database.
#pragma once

#include <optional>
#include <string>

#include "core/attempt_history.h"
#include "core/upload_decisions.h"
#include "core/work_queue.h"
#include "store/sqlite_connection.h"
#include "store/sqlite_queue.h"
#include "store/sqlite_upload_rows.h"

namespace vodlift::store {

// What became due by the end of an upload.
struct EndEffects {
  bool successor = false;  // the next upload to the same object
  bool callback = false;
};

// What is kept of an upload that runs under a lease.
struct HeldUpload {
  Wanted wanted = Wanted::nothing;  // what its client asked for
  AccountId account = 0;
  std::int64_t size = 0;
};
// Nothing: the lease is lost.
std::optional<HeldUpload> held_upload(SqliteConnection& connection, const Lease& lease);

// Ends an upload that runs; `how` its run ended, for the history. Errors: lease_lost, internal (the ending is not
// whole).
Result<EndEffects> end_upload(SqliteConnection& connection, const Lease& lease, const UploadEnding& ending,
                              AttemptEnd how, const SqliteQueue& queue);

// Ends an upload that is queued or paused as cancelled.
EndEffects cancel_waiting(SqliteConnection& connection, UploadId id, const SqliteQueue& queue);

// Whether an upload comes back because its worker is gone, and whether it was the only one that the worker held.
enum class Crash { none, in_company, alone };

// Queues an upload again, or pauses or cancels it where its client asked for that. `crash`: its worker went down.
// Errors: lease_lost, internal.
Result<> requeue_upload(SqliteConnection& connection, const Lease& lease, const Requeue& how, Crash crash,
                        const SqliteQueue& queue);

// Pauses an upload that is queued. Errors: internal (it is not).
Result<> pause_queued(SqliteConnection& connection, UploadId id, AccountId account, std::int64_t size,
                      const SqliteQueue& queue);

}  // namespace vodlift::store
