// Rows of api_keys: from and to ApiKey. For the stores of this folder only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/account_store.h"
#include "store/seal.h"
#include "store/sqlite_connection.h"

namespace vodlift::store {

// The JSON list that columns of several texts hold.
std::string texts_to_json(const std::vector<std::string>& texts);
// Nothing: it is none.
std::optional<std::vector<std::string>> texts_from_json(const std::string& json);

// Errors: seal_broken, store_corrupt (a column that holds something else than this build writes).
Result<std::vector<ApiKey>> load_keys(SqliteConnection& connection, const Seal& seal);

// Inserts the key and answers its id; what fails is kept by the connection.
std::int64_t insert_key(SqliteConnection& connection, const Seal& seal, const ApiKey& key);
// Writes all that may change of the key with this id; last_used is not among it.
void update_key(SqliteConnection& connection, const Seal& seal, const ApiKey& key);
// Moves last_used forward, never back.
void update_last_used(SqliteConnection& connection, const KeyUse& use);

}  // namespace vodlift::store
