// Between the rows of a database and the structs of accounts, keys and buckets, with the secrets sealed in the rows:
// what the columns mean is the same for every database.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/seal.h"
#include "core/account.h"
#include "core/api_key.h"
#include "core/bucket_access.h"
#include "core/row.h"

namespace vodlift {

// The JSON list that columns of several texts hold.
std::string texts_to_json(const std::vector<std::string>& texts);
// Nothing if `json` is not a list of texts.
std::optional<std::vector<std::string>> texts_from_json(const std::string& json);
std::string networks_to_json(const std::vector<Network>& networks);

// Each reads a row that has a column for each member. Errors: seal_broken, store_corrupt (a column holds something that
// this build does not write).
Result<> read_row(const Row& row, const Seal& seal, Account& account);
Result<> read_row(const Row& row, const Seal& seal, ApiKey& key);
Result<> read_row(const Row& row, const Seal& seal, BucketAccess& bucket);

// What columns hold of a row's secrets.
struct SealedSecrets {
  std::string secret;
  std::optional<std::string> previous{};  // the one that it replaces, for a while
  std::optional<std::int64_t> previous_until_ms{};
};
SealedSecrets sealed_secrets(const Seal& seal, const Account& account);
SealedSecrets sealed_secrets(const Seal& seal, const ApiKey& key);
SealedSecrets sealed_secrets(const Seal& seal, const BucketAccess& bucket);

}  // namespace vodlift
