// Rows of accounts, api_keys and buckets: from and to the types of core, with the secrets sealed on the disk.
#pragma once

#include <cstdint>

#include "core/account_repository.h"
#include "core/stored_account.h"
#include "store/sqlite_connection.h"

namespace vodlift::store {

// The rows with a version above `version`. Errors: seal_broken, store_corrupt (a column holds something that this build
// does not write).
Result<AccountRows> load_rows(SqliteConnection& connection, const Seal& seal, std::int64_t version);

// Each writes the whole row, with the version that it carries. The connection keeps what fails.
void insert_row(SqliteConnection& connection, const Seal& seal, const Account& account);
// Returns the id of the new key.
std::int64_t insert_row(SqliteConnection& connection, const Seal& seal, const ApiKey& key);
void put_row(SqliteConnection& connection, const Seal& seal, const BucketAccess& bucket);

// Each writes what may change of the row, if the stored row has the version `expected`. Returns false if it has not.
bool update_row(SqliteConnection& connection, const Seal& seal, const Account& account, std::int64_t expected);
bool update_row(SqliteConnection& connection, const Seal& seal, const ApiKey& key, std::int64_t expected);
// Moves last_used forward, never back, and writes `version` if last_used moved.
void update_last_used(SqliteConnection& connection, const KeyUse& use, std::int64_t version);

}  // namespace vodlift::store
