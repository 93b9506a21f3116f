// Accounts, keys and buckets in memory, for tests.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/account_repository.h"
#include "core/change_feed.h"

namespace vodlift::memory {

// AccountRepository that keeps its rows as long as it lives. Several directories may use one, as several nodes use one
// database. Internally locked; any thread.
class MemoryAccounts final : public AccountRepository {
 public:
  Result<AccountChanges> load_since(std::int64_t version) override;
  Result<Account> add(Account account) override;
  Result<ApiKey> add(ApiKey key) override;
  Result<BucketAccess> put(BucketAccess bucket) override;
  Result<AccountRows> add_all(AccountRows rows) override;
  Result<std::optional<Account>> change(Account account) override;
  Result<std::optional<ApiKey>> change(ApiKey key) override;
  Result<> set_removing(const Removable& one, std::optional<WallTime> since) override;
  Result<Uses> uses(const Removable& one) override;
  Result<std::vector<UploadId>> uncancelled(const Removable& one, int limit) override;
  Result<bool> remove(const Removable& one, WallTime now) override;
  Result<> record_key_uses(std::span<const KeyUse> uses) override;

  // What uses everything from now on; at first nothing. Nobody cancels `open`, and callers of remove() meet them.
  void use(const Uses& uses, std::vector<UploadId> open = {});

  // Each change is published there, as by any store.
  [[nodiscard]] LocalChangeFeed& feed() { return feed_; }

  // The weight of the account; that of a new account if there is none.
  [[nodiscard]] int weight_of(AccountId cdn) const;

  // From now on every method fails with this error; with nothing, they work again.
  void fail_with(std::optional<Error> failure);

 private:
  // Under the lock.
  Result<Account> insert(Account account);
  Result<ApiKey> insert(ApiKey key);
  Result<BucketAccess> insert_or_replace(BucketAccess bucket);
  [[nodiscard]] bool exists(const Removable& one) const;
  void erase(const Removable& one);

  template <class Step>
  auto write(const Step& step) -> std::invoke_result_t<const Step&>;

  LocalChangeFeed feed_;
  mutable std::mutex mutex_;  // guards all below
  std::optional<Error> failure_;
  std::int64_t version_ = 0;       // of the last change
  std::int64_t last_removal_ = 0;  // its version
  std::int64_t last_key_id_ = 0;
  Uses uses_;
  std::vector<UploadId> open_;
  std::map<AccountId, std::string> former_;  // users
  std::map<AccountId, Account> accounts_;
  std::map<std::int64_t, ApiKey> keys_;  // by id
  std::map<std::pair<AccountId, std::string>, BucketAccess> buckets_;
};

}  // namespace vodlift::memory
