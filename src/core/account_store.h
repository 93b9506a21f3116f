// Port: accounts, their API keys and their buckets.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "core/api_key.h"
#include "core/bucket_access.h"
#include "core/fair_share.h"
#include "core/upload.h"

namespace vodlift {

struct Account {
  AccountId cdn = 0;
  std::string user;       // the folder on each storage that is this account's
  Secret webhook_secret;  // "whsec_" + base64 of 32 bytes
  WallTime created;
  int weight = kDefaultWeight;  // 1..kMaxWeight: its share beside other accounts that have uploads waiting
};

// A new webhook secret: "whsec_" and the base64 of 32 random bytes, as Standard Webhooks has them. Any thread.
Secret make_webhook_secret();

// A key that was used.
struct KeyUse {
  std::int64_t key_id = 0;
  WallTime when;
};

// Port of the accounts. Any thread. Reads are answered from memory and do not block; changes block until the disk has
// them, and are visible to every read that starts afterwards. Errors of all changes: store_failed.
class AccountStore {
 public:
  AccountStore() = default;
  AccountStore(const AccountStore&) = delete;
  AccountStore& operator=(const AccountStore&) = delete;
  virtual ~AccountStore() = default;

  [[nodiscard]] virtual std::optional<Account> find_account(AccountId cdn) const = 0;
  // Revoked and expired keys are found too: the caller asks refusal() of api_key.h.
  [[nodiscard]] virtual std::optional<ApiKey> find_key(std::string_view api_key) const = 0;
  [[nodiscard]] virtual std::optional<BucketAccess> find_bucket(AccountId cdn, std::string_view bucket) const = 0;

  // By number, age, name.
  [[nodiscard]] virtual std::vector<Account> accounts() const = 0;
  [[nodiscard]] virtual std::vector<ApiKey> keys(std::optional<AccountId> cdn) const = 0;
  [[nodiscard]] virtual std::vector<BucketAccess> buckets(std::optional<AccountId> cdn) const = 0;

  // Errors: already_exists (cdn or user taken).
  virtual Result<> add_account(Account account) = 0;
  // Counts from the account's next turn on. Errors: not_found.
  virtual Result<> set_weight(AccountId cdn, int weight) = 0;
  // Errors: not_found (no such account), already_exists (api_key taken).
  virtual Result<> add_key(ApiKey key) = 0;
  // Effective for every request judged afterwards. Errors: not_found.
  virtual Result<> revoke_key(std::string_view api_key, WallTime when) = 0;
  // Changes a copy of the key by `change`, which must not call the store, and puts it in the key's place: all of it or,
  // where `change` fails, nothing. id, cdn, api_key, created and last_used stay as they are whatever `change` does.
  // Effective for every request judged afterwards. Errors: not_found, and those of `change`.
  virtual Result<> change_key(std::string_view api_key, const std::function<Result<>(ApiKey&)>& change) = 0;
  // Moves last_used of these keys forward; one that does not exist is passed over.
  virtual Result<> record_key_uses(std::span<const KeyUse> uses) = 0;
  // Adds the bucket or replaces how it is reached. Errors: not_found (no such account).
  virtual Result<> put_bucket(BucketAccess bucket) = 0;
};

}  // namespace vodlift
