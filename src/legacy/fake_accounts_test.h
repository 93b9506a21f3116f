// Two accounts in memory, with a key and a bucket each.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/no_accounts_test.h"

namespace vodlift::legacy {

inline constexpr std::string_view kApiKey = "APX4GKLM0RKQLSP2FBO1ROPKSSW47DZE";
inline constexpr std::string_view kSecret = "8fc8c48da81e6a2a06a9556379bf798af508dc0792497c678b4c3532ba8b637f";
inline constexpr std::string_view kOtherKey = "OTHERKEY00000000000000000000000A";
inline constexpr std::string_view kOtherSecret = "0000000000000000000000000000000000000000000000000000000000000001";

// Accounts 158 (jb) and 159 (eve), one key each, one bucket each.
class FakeAccounts final : public NoAccounts {
 public:
  FakeAccounts() {
    keys_[std::string(kApiKey)] = make_key(1, 158, kApiKey, kSecret);
    keys_[std::string(kOtherKey)] = make_key(2, 159, kOtherKey, kOtherSecret);
  }
  [[nodiscard]] std::optional<Account> find_account(AccountId cdn) const override {
    if (cdn != 158 && cdn != 159) return std::nullopt;
    Account account;
    account.cdn = cdn;
    account.user = cdn == 158 ? "jb" : "eve";
    return account;
  }
  [[nodiscard]] std::optional<ApiKey> find_key(std::string_view api_key) const override {
    const auto found = keys_.find(std::string(api_key));
    return found == keys_.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::optional<BucketAccess> find_bucket(AccountId cdn, std::string_view bucket) const override {
    if (bucket != (cdn == 158 ? "my_bucket" : "eves-bucket")) return std::nullopt;
    return BucketAccess{};
  }
  Result<> add_key(ApiKey key) override {
    keys_[key.api_key] = std::move(key);
    return {};
  }
  Result<> revoke_key(std::string_view api_key, WallTime when) override {
    keys_.at(std::string(api_key)).revoked = when;
    return {};
  }
  Result<> change_key(std::string_view api_key, const std::function<Result<>(ApiKey&)>& change) override {
    return change(keys_.at(std::string(api_key)));
  }
  Result<> record_key_uses(std::span<const KeyUse> uses) override {
    used.insert(used.end(), uses.begin(), uses.end());
    return {};
  }

  static ApiKey make_key(std::int64_t id, AccountId cdn, std::string_view api_key, std::string_view secret) {
    ApiKey key;
    key.id = id;
    key.cdn = cdn;
    key.api_key = api_key;
    key.secret = Secret(std::string(secret));
    return key;
  }

  std::vector<KeyUse> used;

 private:
  std::map<std::string, ApiKey> keys_;
};

}  // namespace vodlift::legacy
