// Rows of accounts, keys and buckets. Each function runs inside a transaction of the caller's.
#pragma once

#include <cstdint>

#include "core/account_repository.h"
#include "core/stored_account.h"
#include "postgres/pg_connection.h"

namespace vodlift::postgres {

// The rows with a version above `version`. Errors: seal_broken, store_corrupt.
Result<AccountRows> load_rows(PgConnection& connection, const Seal& seal, std::int64_t version);

// Each writes the whole row, with the version that it carries.
void insert_row(PgConnection& connection, const Seal& seal, const Account& account);
// Returns the id of the new key.
std::int64_t insert_row(PgConnection& connection, const Seal& seal, const ApiKey& key);
void put_row(PgConnection& connection, const Seal& seal, const BucketAccess& bucket);

// Each writes what may change of the row, if the stored row has the version `expected`. Returns false if it has not.
bool update_row(PgConnection& connection, const Seal& seal, const Account& account, std::int64_t expected);
bool update_row(PgConnection& connection, const Seal& seal, const ApiKey& key, std::int64_t expected);

}  // namespace vodlift::postgres
