// An AccountStore for fakes to begin with.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/account_store.h"

namespace vodlift {

// Has nothing, and takes every change without keeping it.
class NoAccounts : public AccountStore {
 public:
  [[nodiscard]] std::optional<Account> find_account(AccountId) const override { return std::nullopt; }
  [[nodiscard]] std::optional<ApiKey> find_key(std::string_view) const override { return std::nullopt; }
  [[nodiscard]] std::optional<BucketAccess> find_bucket(AccountId, std::string_view) const override {
    return std::nullopt;
  }
  [[nodiscard]] std::vector<Account> accounts() const override { return {}; }
  [[nodiscard]] std::vector<ApiKey> keys(std::optional<AccountId>) const override { return {}; }
  [[nodiscard]] std::vector<BucketAccess> buckets(std::optional<AccountId>) const override { return {}; }
  Result<> add_account(Account) override { return {}; }
  Result<> set_weight(AccountId, int) override { return {}; }
  Result<> add_key(ApiKey) override { return {}; }
  Result<> revoke_key(std::string_view, WallTime) override { return {}; }
  Result<> change_key(std::string_view, const std::function<Result<>(ApiKey&)>&) override { return {}; }
  Result<> record_key_uses(std::span<const KeyUse>) override { return {}; }
  Result<> put_bucket(BucketAccess) override { return {}; }
};

}  // namespace vodlift
