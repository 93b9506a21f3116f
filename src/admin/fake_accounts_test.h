// Accounts, keys and buckets in memory.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include "core/account_store.h"

namespace vodlift::admin {

class MemoryAccounts final : public AccountStore {
 public:
  [[nodiscard]] std::optional<Account> find_account(AccountId cdn) const override {
    const std::scoped_lock lock(mutex_);
    const auto found = accounts_.find(cdn);
    return found == accounts_.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::optional<ApiKey> find_key(std::string_view api_key) const override {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find(keys_, api_key, &ApiKey::api_key);
    return found == keys_.end() ? std::nullopt : std::optional(*found);
  }
  [[nodiscard]] std::optional<BucketAccess> find_bucket(AccountId cdn, std::string_view bucket) const override {
    const std::scoped_lock lock(mutex_);
    const auto found = buckets_.find({cdn, std::string(bucket)});
    return found == buckets_.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::vector<Account> accounts() const override {
    const std::scoped_lock lock(mutex_);
    std::vector<Account> all;
    for (const auto& [cdn, account] : accounts_) all.push_back(account);
    return all;
  }
  [[nodiscard]] std::vector<ApiKey> keys(std::optional<AccountId> cdn) const override {
    const std::scoped_lock lock(mutex_);
    std::vector<ApiKey> all;
    std::ranges::copy_if(keys_, std::back_inserter(all), [&](const ApiKey& key) { return !cdn || key.cdn == *cdn; });
    return all;
  }
  [[nodiscard]] std::vector<BucketAccess> buckets(std::optional<AccountId> cdn) const override {
    const std::scoped_lock lock(mutex_);
    std::vector<BucketAccess> all;
    for (const auto& [name, bucket] : buckets_) {
      if (!cdn || bucket.cdn == *cdn) all.push_back(bucket);
    }
    return all;
  }

  Result<> add_account(Account account) override {
    const std::scoped_lock lock(mutex_);
    if (!accounts_.emplace(account.cdn, account).second) return Error{Errc::already_exists, "account 158 exists"};
    return {};
  }
  Result<> set_weight(AccountId cdn, int weight) override {
    const std::scoped_lock lock(mutex_);
    const auto found = accounts_.find(cdn);
    if (found == accounts_.end()) return Error{Errc::not_found, "no such account"};
    found->second.weight = weight;
    return {};
  }
  Result<> add_key(ApiKey key) override {
    const std::scoped_lock lock(mutex_);
    if (!accounts_.contains(key.cdn)) return Error{Errc::not_found, "no such account"};
    keys_.push_back(std::move(key));
    return {};
  }
  Result<> revoke_key(std::string_view api_key, WallTime when) override {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find(keys_, api_key, &ApiKey::api_key);
    if (found == keys_.end()) return Error{Errc::not_found, "no such key"};
    found->revoked = when;
    return {};
  }
  Result<> change_key(std::string_view api_key, const std::function<Result<>(ApiKey&)>& change) override {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find(keys_, api_key, &ApiKey::api_key);
    if (found == keys_.end()) return Error{Errc::not_found, "no such key"};
    ApiKey changed = *found;
    if (auto done = change(changed); !done) return done;
    *found = changed;
    return {};
  }
  Result<> record_key_uses(std::span<const KeyUse>) override { return {}; }
  Result<> put_bucket(BucketAccess bucket) override {
    const std::scoped_lock lock(mutex_);
    if (!accounts_.contains(bucket.cdn)) return Error{Errc::not_found, "no such account"};
    buckets_.insert_or_assign({bucket.cdn, bucket.bucket}, bucket);
    return {};
  }

 private:
  mutable std::mutex mutex_;
  std::map<AccountId, Account> accounts_;
  std::vector<ApiKey> keys_;
  std::map<std::pair<AccountId, std::string>, BucketAccess> buckets_;
};

}  // namespace vodlift::admin
