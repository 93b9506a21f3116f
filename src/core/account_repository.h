// Port: the stored rows of accounts, their API keys and their buckets. For AccountDirectory only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/account.h"
#include "core/api_key.h"
#include "core/bucket_access.h"

namespace vodlift {

// Some of the rows.
struct AccountRows {
  std::vector<Account> accounts{};
  std::vector<ApiKey> keys{};
  std::vector<BucketAccess> buckets{};
};

// Rows that changed, and how far they go: every change up to `version` is in them.
struct AccountChanges {
  AccountRows rows{};
  std::int64_t version = 0;
};

// How every implementation words these failures. Codes: not_found for the first, already_exists for the others.
Error no_such_account(AccountId cdn);
Error account_exists(AccountId cdn);
Error user_exists(std::string_view user, AccountId cdn);
Error key_exists(std::string_view api_key);

// A row's `version` is the number of the change that wrote the row last. Numbers only grow, and changes become visible
// in the order of their numbers, whichever node makes them. Versions in rows that callers pass in are ignored except by
// change().
//
// Any thread. Every method blocks for the disk, and each change is durable when the method returns. The store's
// ChangeFeed has news of it by then (Change::Kind::accounts). Secrets are sealed on the way to the disk and opened on
// the way back. Errors of all methods: store_failed.
class AccountRepository {
 public:
  AccountRepository() = default;
  AccountRepository(const AccountRepository&) = delete;
  AccountRepository& operator=(const AccountRepository&) = delete;
  virtual ~AccountRepository() = default;

  // The rows with a version above `version`; 0: all rows. Errors: seal_broken, store_corrupt (a row that this build
  // cannot read).
  virtual Result<AccountChanges> load_since(std::int64_t version) = 0;

  // Each answers the row as it is stored, with its version, and a key with its id. `id` and `last_used` of the key
  // passed in are ignored.
  // Errors: already_exists (cdn or user taken).
  virtual Result<Account> add(Account account) = 0;
  // Errors: not_found (no such account), already_exists (api_key taken).
  virtual Result<ApiKey> add(ApiKey key) = 0;
  // Adds the bucket or replaces its row. Errors: not_found (no such account).
  virtual Result<BucketAccess> put(BucketAccess bucket) = 0;

  // Stores the row if the stored one still has its version, and answers the row with its new version; nothing if the
  // stored row has another version or does not exist. Of an account, user and created stay as they are stored. Of
  // a key, `id` says which one it is, and cdn, api_key, created and last_used stay.
  virtual Result<std::optional<Account>> change(Account account) = 0;
  virtual Result<std::optional<ApiKey>> change(ApiKey key) = 0;

  // Moves last_used of these keys forward, never back. Keys that do not exist are ignored.
  virtual Result<> record_key_uses(std::span<const KeyUse> uses) = 0;
};

}  // namespace vodlift
