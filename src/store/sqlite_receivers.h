// The sums of callbacks' receivers, in SQLite.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/callback_receivers.h"
#include "store/sqlite_connection.h"

namespace vodlift::store {

// For a change that runs. A failure is kept by the connection.

// Another callback is pending. Answers whether its receiver has sums of its own; callbacks.own_sums keeps that.
bool count_waiting(SqliteConnection& connection, AccountId account, const std::string& receiver, WallTime now);

// An attempt of this callback has ended.
void count_attempt(SqliteConnection& connection, std::int64_t callback, const CallbackAttempt& attempt,
                   const std::string& error, WallTime now);

// This callback was failed without an attempt.
void count_refused(SqliteConnection& connection, std::int64_t callback, WallTime now);

// See DueReceiver.
std::optional<ReceiverFailing> find_failing(SqliteConnection& connection, AccountId account,
                                            const std::string& receiver, WallTime now);

// As CallbackHistory::receivers().
std::vector<CallbackReceiver> list_receivers(SqliteConnection& connection, AccountId account, WallTime now);

}  // namespace vodlift::store
