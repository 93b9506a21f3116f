// Removal of accounts, keys and buckets from the tables. Each function runs inside a transaction of the caller's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/account_repository.h"
#include "postgres/pg_connection.h"

namespace vodlift::postgres {

// Errors of all that answer a Result: not_found. The connection keeps what fails.

// Sets `removing` of the row and its version; a time that is there stays, where one is given.
Result<> mark_removing(PgConnection& connection, const Removable& one, std::optional<WallTime> since,
                       std::int64_t version);

Result<Uses> count_uses(PgConnection& connection, const Removable& one);
Result<std::vector<UploadId>> find_uncancelled(PgConnection& connection, const Removable& one, int limit);

// Whether the row may go now: no upload of it has not ended, and of an account no callback waits.
Result<bool> is_unused(PgConnection& connection, const Removable& one);
// Removes the row, and those of an account.
void remove_rows(PgConnection& connection, const Removable& one, WallTime now);

// A number of a removed account goes to another user only when no upload of it is left. Then its statistics go too.
// Errors: already_exists.
Result<> take_number(PgConnection& connection, const Account& account);

}  // namespace vodlift::postgres
