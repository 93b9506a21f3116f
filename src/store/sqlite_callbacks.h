// The callbacks' rows, each change inside a transaction of the caller's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/upload_store.h"
#include "store/sqlite_connection.h"

namespace vodlift::store {

// Adds the pending callback of an upload that has just ended.
void insert_callback(SqliteConnection& connection, const Upload& ended, const std::string& body, WallTime now);

std::vector<ClaimedCallback> claim_due_callbacks(SqliteConnection& connection, int limit, WallTime now,
                                                 WallTime lease_until);

// Errors: lease_lost, internal (a next state that no attempt leads to).
Result<> record_attempt(SqliteConnection& connection, const ClaimedCallback& callback, const CallbackAttempt& attempt);

// Makes every leased callback due at once: nobody can be delivering it.
void release_callbacks(SqliteConnection& connection, WallTime now);

std::optional<WallTime> next_callback_due(SqliteConnection& connection);

}  // namespace vodlift::store
