// The queue's changes, each inside a transaction of the caller's. The store runs them on the writer's thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "core/upload_store.h"
#include "store/sqlite_connection.h"
#include "store/sqlite_upload_rows.h"

namespace vodlift::store {

// Adds an upload, or finds the one that the same signed bytes made before.
Result<InsertOutcome> insert_or_find(SqliteConnection& connection, const NewUpload& upload, const UploadTexts& texts);

// The id that the same signed bytes got before.
std::optional<UploadId> find_signature(SqliteConnection& connection, std::int64_t key_id,
                                       const RequestSignature& signature);

// Remembers that these signed bytes were answered with `id`.
void keep_signature(SqliteConnection& connection, std::int64_t key_id, const RequestSignature& signature, UploadId id);

// Forgets at most `limit` signatures with a timestamp before `before`; answers how many.
int forget_signatures(SqliteConnection& connection, WallTime before, int limit);

std::vector<HeldLease> renew_leases(SqliteConnection& connection, const std::vector<Lease>& leases,
                                    WallTime lease_until);

// Who changes an upload does not hold its lease any more.
Error lease_lost(const Lease& lease);

// What became due by the end of an upload.
struct Followed {
  bool successor = false;  // the upload that waited for it
  bool callback = false;
};

// The four below fail with lease_lost, and with internal where the caller breaks a rule.
Result<> restart_journal(SqliteConnection& connection, const Lease& lease, const MultipartJournal& journal);
Result<> add_part(SqliteConnection& connection, const Lease& lease, const Part& part);
Result<> requeue(SqliteConnection& connection, const Lease& lease, WallTime next_attempt,
                 const std::optional<UploadError>& error, bool counts, WallTime now, const CallbackBody& body);
Result<Followed> end_upload(SqliteConnection& connection, const Lease& lease, const UploadStore::Ending& ending,
                            WallTime now, const CallbackBody& body);

// Lets the upload that waits for this one go on; answers whether there is one. To be called before the end is written:
// it waits for whom this one waited for from then on, normally nobody.
bool release_successor(SqliteConnection& connection, UploadId id);

// What every end brings with it, whoever made it: parts are forgotten, what may be open at the store is left to the
// reaper, the callback is due. Answers whether there is a callback.
bool follow_end(SqliteConnection& connection, UploadId id, WallTime now, const CallbackBody& body);

// Takes back at most `limit` uploads whose lease ended at or before `expired`; answers how many.
Result<int> rescue_expired(SqliteConnection& connection, WallTime expired, int max_crashes, int limit, WallTime now,
                           const CallbackBody& body);

// When the first queued upload is due; a time that is past where any is ready.
std::optional<WallTime> next_upload_due(SqliteConnection& connection);

}  // namespace vodlift::store
