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
#include "core/removal.h"

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
  bool all = false;  // they are all rows: what is not among them was removed
};

// How every implementation words these failures. Codes: not_found for the first, already_exists for the others.
Error no_such_account(AccountId cdn);
Error account_exists(AccountId cdn);
Error user_exists(std::string_view user, AccountId cdn);
Error key_exists(std::string_view api_key);
Error bucket_exists(AccountId cdn, std::string_view bucket);
// The number was that of another account, whose uploads are still kept.
Error number_is_taken(AccountId cdn, std::string_view former_user);
Error no_such(const Removable& one);

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

  // The rows with a version above `version`; all rows for 0, and where a row was removed since. Errors: seal_broken,
  // store_corrupt (a row that this build cannot read).
  virtual Result<AccountChanges> load_since(std::int64_t version) = 0;

  // Each answers the row as it is stored, with its version, and a key with its id. `id` and `last_used` of the key
  // passed in are ignored.
  // Errors: already_exists (cdn or user taken; or the number was that of a removed account of another user, whose
  // uploads are still there: whoever has the number sees them).
  virtual Result<Account> add(Account account) = 0;
  // Errors: not_found (no such account), already_exists (api_key taken), wrong_state (the account is being removed).
  virtual Result<ApiKey> add(ApiKey key) = 0;
  // Adds the bucket or replaces its row, all but `removing`. Errors: not_found (no such account), wrong_state (the
  // account is being removed).
  virtual Result<BucketAccess> put(BucketAccess bucket) = 0;

  // Adds all of these, or none; buckets of these names must not be there. Accounts come first: keys and buckets may be
  // of them. Errors: those of add() and put(), and already_exists (a bucket).
  virtual Result<AccountRows> add_all(AccountRows rows) = 0;

  // Stores the row if the stored one still has its version, and answers the row with its new version; nothing if the
  // stored row has another version or does not exist. Of an account, user, created and removing stay as they are
  // stored. Of a key, `id` says which one it is, and cdn, api_key, created, removing and last_used stay.
  virtual Result<std::optional<Account>> change(Account account) = 0;
  virtual Result<std::optional<ApiKey>> change(ApiKey key) = 0;

  // Sets `removing` of the row, or takes it back. The first time stays. Errors: not_found.
  virtual Result<> set_removing(const Removable& one, std::optional<WallTime> since) = 0;
  // What uses it. A long list of callbacks is counted one by one. Errors: not_found.
  virtual Result<Uses> uses(const Removable& one) = 0;
  // Its uploads that have not ended and that nobody has asked to cancel, `limit` at most. Errors: not_found.
  virtual Result<std::vector<UploadId>> uncancelled(const Removable& one, int limit) = 0;
  // Removes the row, unless an upload of it has not ended; of an account also its keys and buckets, and not while a
  // callback waits. Answers whether it is removed. The account's user is remembered; see add(). Errors: not_found.
  virtual Result<bool> remove(const Removable& one, WallTime now) = 0;

  // Moves last_used of these keys forward, never back. Keys that do not exist are ignored.
  virtual Result<> record_key_uses(std::span<const KeyUse> uses) = 0;
};

}  // namespace vodlift
