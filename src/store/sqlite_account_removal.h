// Removal of accounts, keys and buckets from the tables.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/account_repository.h"
#include "store/sqlite_connection.h"

namespace vodlift::store {

// Errors of all that answer a Result: not_found. The connection keeps what fails.

// Sets `removing` of the row and its version; a time that is there stays, where one is given.
Result<> mark_removing(SqliteConnection& connection, const Removable& one, std::optional<WallTime> since,
                       std::int64_t version);

Result<Uses> count_uses(SqliteConnection& connection, const Removable& one);
// The oldest first.
Result<std::vector<UploadId>> find_uncancelled(SqliteConnection& connection, const Removable& one, int limit);

// Whether the row may go now: no upload of it has not ended, and of an account no callback waits. Looks at no more rows
// than uploads of the account have not ended.
Result<bool> is_unused(SqliteConnection& connection, const Removable& one);
// Removes the row, and those of an account.
void remove_rows(SqliteConnection& connection, const Removable& one, WallTime now, std::int64_t version);

// A number of a removed account goes to another user only when no upload of it is left. Then its statistics go too.
// Errors: already_exists.
Result<> take_number(SqliteConnection& connection, const Account& account);

}  // namespace vodlift::store
