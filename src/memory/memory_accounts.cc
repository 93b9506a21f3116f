#include "memory/memory_accounts.h"

#include <algorithm>
#include <tuple>
#include <utility>

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
  changes.all = last_removal_ > version;
  if (changes.all) version = 0;
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

Result<Account> MemoryAccounts::insert(Account account) {
  for (const auto& [cdn, other] : accounts_) {
    if (cdn == account.cdn) return account_exists(cdn);
    if (other.user == account.user) return user_exists(other.user, cdn);
  }
  const auto former = former_.find(account.cdn);
  if (former != former_.end() && former->second != account.user) return number_is_taken(account.cdn, former->second);
  account.version = ++version_;
  accounts_[account.cdn] = account;
  return account;
}

Result<Account> MemoryAccounts::add(Account account) {
  return write([&] { return insert(std::move(account)); });
}

Result<ApiKey> MemoryAccounts::insert(ApiKey key) {
  const auto account = accounts_.find(key.cdn);
  if (account == accounts_.end()) return no_such_account(key.cdn);
  if (account->second.removing) return being_removed({RemovableKind::account, key.cdn});
  if (std::ranges::any_of(keys_, [&](const auto& known) { return known.second.api_key == key.api_key; })) {
    return key_exists(key.api_key);
  }
  key.id = ++last_key_id_;
  key.last_used.reset();
  key.version = ++version_;
  keys_[key.id] = key;
  return key;
}

Result<ApiKey> MemoryAccounts::add(ApiKey key) {
  return write([&] { return insert(std::move(key)); });
}

Result<BucketAccess> MemoryAccounts::insert_or_replace(BucketAccess bucket) {
  const auto account = accounts_.find(bucket.cdn);
  if (account == accounts_.end()) return no_such_account(bucket.cdn);
  if (account->second.removing) return being_removed({RemovableKind::account, bucket.cdn});
  const auto before = buckets_.find({bucket.cdn, bucket.bucket});
  bucket.removing = before == buckets_.end() ? std::nullopt : before->second.removing;
  bucket.version = ++version_;
  buckets_[{bucket.cdn, bucket.bucket}] = bucket;
  return bucket;
}

Result<BucketAccess> MemoryAccounts::put(BucketAccess bucket) {
  return write([&] { return insert_or_replace(std::move(bucket)); });
}

Result<AccountRows> MemoryAccounts::add_all(AccountRows rows) {
  return write([&]() -> Result<AccountRows> {
    const auto before = std::tuple(version_, last_key_id_, accounts_, keys_, buckets_);
    const auto add_rows = [&]() -> Result<> {
      for (Account& account : rows.accounts) {
        auto added = insert(account);
        if (!added) return added.error();
        account = std::move(*added);
      }
      for (ApiKey& key : rows.keys) {
        auto added = insert(key);
        if (!added) return added.error();
        key = std::move(*added);
      }
      for (BucketAccess& bucket : rows.buckets) {
        if (buckets_.contains({bucket.cdn, bucket.bucket})) return bucket_exists(bucket.cdn, bucket.bucket);
        auto added = insert_or_replace(bucket);
        if (!added) return added.error();
        bucket = std::move(*added);
      }
      return {};
    };
    if (auto added = add_rows(); !added) {
      std::tie(version_, last_key_id_, accounts_, keys_, buckets_) = before;
      return added.error();
    }
    return rows;
  });
}

Result<std::optional<Account>> MemoryAccounts::change(Account account) {
  return write([&]() -> Result<std::optional<Account>> {
    Account* const stored = find_unchanged(accounts_, account.cdn, account.version);
    if (stored == nullptr) return std::optional<Account>();
    account.user = stored->user;
    account.created = stored->created;
    account.removing = stored->removing;
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
    key.removing = stored->removing;
    key.version = ++version_;
    *stored = key;
    return std::optional(*stored);
  });
}

bool MemoryAccounts::exists(const Removable& one) const {
  switch (one.kind) {
    case RemovableKind::key:
      return std::ranges::any_of(keys_, [&](const auto& key) { return key.second.api_key == one.name; });
    case RemovableKind::bucket:
      return buckets_.contains({one.cdn, one.name});
    case RemovableKind::account:
      break;
  }
  return accounts_.contains(one.cdn);
}

Result<> MemoryAccounts::set_removing(const Removable& one, std::optional<WallTime> since) {
  return write([&]() -> Result<> {
    if (!exists(one)) return no_such(one);
    const std::int64_t version = ++version_;
    const auto mark = [&](auto& row) {
      row.removing = since && row.removing ? row.removing : since;
      row.version = version;
    };
    if (one.kind == RemovableKind::account) mark(accounts_[one.cdn]);
    if (one.kind == RemovableKind::bucket) mark(buckets_[{one.cdn, one.name}]);
    for (auto& [id, key] : keys_) {
      if (one.kind == RemovableKind::key && key.api_key == one.name) mark(key);
    }
    return {};
  });
}

Result<Uses> MemoryAccounts::uses(const Removable& one) {
  const std::lock_guard lock(mutex_);
  if (failure_) return *failure_;
  if (!exists(one)) return no_such(one);
  Uses uses = uses_;
  if (one.kind != RemovableKind::account) return uses;
  const auto of_account = [&](const auto& row) { return row.second.cdn == one.cdn; };
  uses.keys = std::ranges::count_if(keys_, of_account);
  uses.buckets = std::ranges::count_if(buckets_, of_account);
  return uses;
}

Result<std::vector<UploadId>> MemoryAccounts::uncancelled(const Removable& one, int limit) {
  const std::lock_guard lock(mutex_);
  if (failure_) return *failure_;
  if (!exists(one)) return no_such(one);
  std::vector<UploadId> ids = open_;
  ids.resize(std::min(ids.size(), static_cast<std::size_t>(limit)));
  return ids;
}

void MemoryAccounts::erase(const Removable& one) {
  const bool account = one.kind == RemovableKind::account;
  if (account) {
    former_[one.cdn] = accounts_[one.cdn].user;
    accounts_.erase(one.cdn);
  }
  std::erase_if(keys_, [&](const auto& key) {
    return account ? key.second.cdn == one.cdn : one.kind == RemovableKind::key && key.second.api_key == one.name;
  });
  std::erase_if(buckets_, [&](const auto& bucket) {
    const bool named = one.kind == RemovableKind::bucket && bucket.second.bucket == one.name;
    return bucket.second.cdn == one.cdn && (account || named);
  });
}

Result<bool> MemoryAccounts::remove(const Removable& one, WallTime /*now*/) {
  return write([&]() -> Result<bool> {
    if (!exists(one)) return no_such(one);
    if (!uses_.ended()) return false;
    erase(one);
    last_removal_ = ++version_;
    return true;
  });
}

void MemoryAccounts::use(const Uses& uses, std::vector<UploadId> open) {
  const std::lock_guard lock(mutex_);
  uses_ = uses;
  open_ = std::move(open);
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
