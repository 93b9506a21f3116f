#include "memory/memory_accounts.h"

#include <algorithm>

namespace vodlift::memory {
namespace {

template <class Rows, class Row>
void copy_newer(const Rows& rows, std::int64_t version, std::vector<Row>& to) {
  for (const auto& [name, row] : rows) {
    if (row.version > version) to.push_back(row);
  }
}

// The place of a row to be changed; null if the row is gone or has another version by now.
template <class Rows, class Name>
auto* find_unchanged(Rows& rows, const Name& name, std::int64_t version) {
  const auto found = rows.find(name);
  return found != rows.end() && found->second.version == version ? &found->second : nullptr;
}

}  // namespace

Result<AccountChanges> MemoryAccounts::load_since(std::int64_t version) {
  const std::lock_guard lock(mutex_);
  if (failure_) return *failure_;
  AccountChanges changes;
  changes.version = version_;
  copy_newer(accounts_, version, changes.rows.accounts);
  copy_newer(keys_, version, changes.rows.keys);
  copy_newer(buckets_, version, changes.rows.buckets);
  return changes;
}

template <class Step>
auto MemoryAccounts::write(const Step& step) -> std::invoke_result_t<const Step&> {
  auto outcome = [&]() -> std::invoke_result_t<const Step&> {
    const std::lock_guard lock(mutex_);
    if (failure_) return *failure_;
    return step();
  }();
  if (outcome) feed_.publish({.kind = Change::Kind::accounts});
  return outcome;
}

Result<Account> MemoryAccounts::add(Account account) {
  return write([&]() -> Result<Account> {
    for (const auto& [cdn, other] : accounts_) {
      if (cdn == account.cdn) return account_exists(cdn);
      if (other.user == account.user) return user_exists(other.user, cdn);
    }
    account.version = ++version_;
    accounts_[account.cdn] = account;
    return account;
  });
}

Result<ApiKey> MemoryAccounts::add(ApiKey key) {
  return write([&]() -> Result<ApiKey> {
    if (!accounts_.contains(key.cdn)) return no_such_account(key.cdn);
    if (std::ranges::any_of(keys_, [&](const auto& known) { return known.second.api_key == key.api_key; })) {
      return key_exists(key.api_key);
    }
    key.id = ++last_key_id_;
    key.last_used.reset();
    key.version = ++version_;
    keys_[key.id] = key;
    return key;
  });
}

Result<BucketAccess> MemoryAccounts::put(BucketAccess bucket) {
  return write([&]() -> Result<BucketAccess> {
    if (!accounts_.contains(bucket.cdn)) return no_such_account(bucket.cdn);
    bucket.version = ++version_;
    buckets_[{bucket.cdn, bucket.bucket}] = bucket;
    return bucket;
  });
}

Result<std::optional<Account>> MemoryAccounts::change(Account account) {
  return write([&]() -> Result<std::optional<Account>> {
    Account* const stored = find_unchanged(accounts_, account.cdn, account.version);
    if (stored == nullptr) return std::optional<Account>();
    account.user = stored->user;
    account.created = stored->created;
    account.version = ++version_;
    *stored = account;
    return std::optional(*stored);
  });
}

Result<std::optional<ApiKey>> MemoryAccounts::change(ApiKey key) {
  return write([&]() -> Result<std::optional<ApiKey>> {
    ApiKey* const stored = find_unchanged(keys_, key.id, key.version);
    if (stored == nullptr) return std::optional<ApiKey>();
    key.cdn = stored->cdn;
    key.api_key = stored->api_key;
    key.created = stored->created;
    key.last_used = stored->last_used;
    key.version = ++version_;
    *stored = key;
    return std::optional(*stored);
  });
}

Result<> MemoryAccounts::record_key_uses(std::span<const KeyUse> uses) {
  return write([&]() -> Result<> {
    ++version_;
    for (const KeyUse& use : uses) {
      const auto found = keys_.find(use.key_id);
      if (found == keys_.end()) continue;
      ApiKey& key = found->second;
      if (key.last_used && *key.last_used >= use.when) continue;
      key.last_used = use.when;
      key.version = version_;
    }
    return {};
  });
}

int MemoryAccounts::weight_of(AccountId cdn) const {
  const std::lock_guard lock(mutex_);
  const auto found = accounts_.find(cdn);
  return found != accounts_.end() ? found->second.weight : kDefaultWeight;
}

void MemoryAccounts::fail_with(std::optional<Error> failure) {
  const std::lock_guard lock(mutex_);
  failure_ = std::move(failure);
}

}  // namespace vodlift::memory
