#include "core/account_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/encoding.h"

namespace vodlift {
namespace {

// Each lost race means that somebody else's change of the same row succeeded; nobody changes one row that often.
constexpr int kMaxTries = 100;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

template <class Rows, class Name>
auto find_in(const Rows& rows, const Name& name) {
  const auto found = rows.find(name);
  return found != rows.end() ? found->second : nullptr;
}

// A row that the snapshot does not have, up to its version, was removed: it must not come back late.
template <class Rows, class Name, class Row>
void keep_newer(Rows& rows, const Name& name, Row& row, std::int64_t version) {
  if (row.version <= version) return;
  std::shared_ptr<const Row>& place = rows[name];
  if (!place || place->version < row.version) place = std::make_shared<const Row>(std::move(row));
}

// Rows up to this version were in what was loaded, unless they are gone.
template <class Rows>
void forget_up_to(Rows& rows, std::int64_t version) {
  std::erase_if(rows, [version](const auto& row) { return row.second->version <= version; });
}

}  // namespace

struct AccountDirectory::Snapshot {
  std::int64_t version = 0;  // all changes up to this one are in the rows
  std::map<AccountId, std::shared_ptr<const Account>> accounts;
  std::unordered_map<std::string, std::shared_ptr<const ApiKey>, TextHash, std::equal_to<>> keys;
  std::map<AccountId, std::map<std::string, std::shared_ptr<const BucketAccess>, std::less<>>> buckets;
};

AccountDirectory::AccountDirectory(AccountRepository& repository)
    : repository_(repository), snapshot_(std::make_shared<const Snapshot>()) {}

std::shared_ptr<const Account> AccountDirectory::find_account(AccountId cdn) const {
  return find_in(snapshot()->accounts, cdn);
}

std::shared_ptr<const ApiKey> AccountDirectory::find_key(std::string_view api_key) const {
  return find_in(snapshot()->keys, api_key);
}

std::shared_ptr<const BucketAccess> AccountDirectory::find_bucket(AccountId cdn, std::string_view bucket) const {
  const auto now = snapshot();
  const auto of_account = now->buckets.find(cdn);
  return of_account != now->buckets.end() ? find_in(of_account->second, bucket) : nullptr;
}

std::vector<std::shared_ptr<const Account>> AccountDirectory::accounts() const {
  const auto now = snapshot();
  std::vector<std::shared_ptr<const Account>> all;
  for (const auto& [cdn, account] : now->accounts) all.push_back(account);
  return all;
}

std::vector<std::shared_ptr<const ApiKey>> AccountDirectory::keys(std::optional<AccountId> cdn) const {
  const auto now = snapshot();
  std::vector<std::shared_ptr<const ApiKey>> all;
  for (const auto& [name, key] : now->keys) {
    if (!cdn || key->cdn == *cdn) all.push_back(key);
  }
  std::ranges::sort(all, {}, [](const auto& key) { return std::pair(key->created, key->id); });
  return all;
}

std::vector<std::shared_ptr<const BucketAccess>> AccountDirectory::buckets(std::optional<AccountId> cdn) const {
  const auto now = snapshot();
  std::vector<std::shared_ptr<const BucketAccess>> all;
  for (const auto& [account, of_account] : now->buckets) {
    if (cdn && account != *cdn) continue;
    for (const auto& [name, bucket] : of_account) all.push_back(bucket);
  }
  std::ranges::stable_sort(all, {}, [](const auto& bucket) -> std::string_view { return bucket->bucket; });
  return all;
}

void AccountDirectory::follow(ChangeFeed& feed) {
  changes_ = feed.subscribe(Change::Kind::accounts, [this](const Change&) { behind_ = true; });
}

Result<std::shared_ptr<const Account>> AccountDirectory::look_up_account(AccountId cdn) {
  if (auto known = find_account(cdn)) return known;
  if (auto loaded = refresh(); !loaded) return loaded.error();
  return find_account(cdn);
}

Result<std::shared_ptr<const BucketAccess>> AccountDirectory::look_up_bucket(AccountId cdn, std::string_view bucket) {
  if (auto known = find_bucket(cdn, bucket)) return known;
  if (auto loaded = refresh(); !loaded) return loaded.error();
  return find_bucket(cdn, bucket);
}

Result<> AccountDirectory::refresh() {
  behind_ = false;  // first: what changes from now on may not be loaded
  auto changes = repository_.load_since(snapshot()->version);
  if (!changes) {
    behind_ = true;
    return changes.error();
  }
  if (changes->version == snapshot()->version) return {};
  install(std::move(*changes));
  return {};
}

Result<> AccountDirectory::add_account(Account account) {
  auto added = repository_.add(std::move(account));
  if (!added) return added.error();
  install({.rows = {.accounts = {std::move(*added)}}});
  return {};
}

Result<> AccountDirectory::change_account(AccountId cdn, const std::function<Result<>(Account&)>& edit) {
  const auto edited = [&edit](const Account& stored) -> Result<Account> {
    Account account = stored;
    if (auto done = edit(account); !done) return done.error();
    account.cdn = stored.cdn;
    account.user = stored.user;
    account.created = stored.created;
    account.removing = stored.removing;
    account.version = stored.version;
    return account;
  };
  return change([&] { return find_account(cdn); }, edited, &AccountRows::accounts, no_such_account(cdn));
}

Result<> AccountDirectory::add_key(ApiKey key) {
  auto added = repository_.add(std::move(key));
  if (!added) return added.error();
  install({.rows = {.keys = {std::move(*added)}}});
  return {};
}

Result<> AccountDirectory::revoke_key(std::string_view api_key, WallTime when) {
  return change_key(api_key, [when](ApiKey& key) -> Result<> {
    if (!key.revoked) key.revoked = when;
    return {};
  });
}

Result<> AccountDirectory::change_key(std::string_view api_key, const std::function<Result<>(ApiKey&)>& edit) {
  const auto edited = [&edit](const ApiKey& stored) -> Result<ApiKey> {
    ApiKey key = stored;
    if (auto done = edit(key); !done) return done.error();
    key.id = stored.id;
    key.cdn = stored.cdn;
    key.api_key = stored.api_key;
    key.created = stored.created;
    key.last_used = stored.last_used;
    key.removing = stored.removing;
    key.version = stored.version;
    return key;
  };
  return change([&] { return find_key(api_key); }, edited, &AccountRows::keys,
                Error{Errc::not_found, fmt::format("there is no API key {}", printable(api_key))});
}

Result<> AccountDirectory::record_key_uses(std::span<const KeyUse> uses) {
  if (auto recorded = repository_.record_key_uses(uses); !recorded) return recorded;
  return refresh();
}

Result<> AccountDirectory::put_bucket(BucketAccess bucket) {
  auto put = repository_.put(std::move(bucket));
  if (!put) return put.error();
  install({.rows = {.buckets = {std::move(*put)}}});
  return {};
}

std::shared_ptr<const AccountDirectory::Snapshot> AccountDirectory::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

void AccountDirectory::install(AccountChanges changes) {
  const std::lock_guard turn(install_mutex_);
  auto next = std::make_shared<Snapshot>(*snapshot());
  const std::int64_t before = next->version;
  next->version = std::max(before, changes.version);
  if (changes.all && changes.version > before) {
    forget_up_to(next->accounts, changes.version);
    forget_up_to(next->keys, changes.version);
    for (auto& [cdn, of_account] : next->buckets) forget_up_to(of_account, changes.version);
  }
  const std::int64_t known = changes.all && changes.version > before ? 0 : before;
  for (Account& account : changes.rows.accounts) keep_newer(next->accounts, account.cdn, account, known);
  for (ApiKey& key : changes.rows.keys) keep_newer(next->keys, key.api_key, key, known);
  for (BucketAccess& bucket : changes.rows.buckets) {
    keep_newer(next->buckets[bucket.cdn], bucket.bucket, bucket, known);
  }
  std::shared_ptr<const Snapshot> replaced = std::move(next);
  const std::lock_guard lock(mutex_);
  snapshot_.swap(replaced);
}

Result<> AccountDirectory::add_all(AccountRows rows) {
  auto added = repository_.add_all(std::move(rows));
  if (!added) return added.error();
  install({.rows = std::move(*added)});
  return {};
}

std::vector<std::pair<Removable, WallTime>> AccountDirectory::removing() const {
  const auto now = snapshot();
  std::vector<std::pair<Removable, WallTime>> all;
  // Accounts come last: what is of them is told first.
  for (const auto& [name, key] : now->keys) {
    if (key->removing) all.emplace_back(Removable{RemovableKind::key, key->cdn, name}, *key->removing);
  }
  for (const auto& [cdn, of_account] : now->buckets) {
    for (const auto& [name, bucket] : of_account) {
      if (bucket->removing) all.emplace_back(Removable{RemovableKind::bucket, cdn, name}, *bucket->removing);
    }
  }
  for (const auto& [cdn, account] : now->accounts) {
    if (account->removing) all.emplace_back(Removable{RemovableKind::account, cdn}, *account->removing);
  }
  return all;
}

Result<> AccountDirectory::set_removing(const Removable& one, std::optional<WallTime> since) {
  if (auto done = repository_.set_removing(one, since); !done) return done;
  return refresh();
}

Result<bool> AccountDirectory::remove(const Removable& one, WallTime now) {
  auto removed = repository_.remove(one, now);
  if (!removed || !*removed) return removed;
  if (auto fresh = refresh(); !fresh) return fresh.error();
  return true;
}

// Every try begins with a refresh: `edited` must not judge a row that another node has changed since.
template <class Row, class Find, class Edited>
Result<> AccountDirectory::change(const Find& find, const Edited& edited, std::vector<Row> AccountRows::*rows,
                                  const Error& absent) {
  for (int tries = 0; tries < kMaxTries; ++tries) {
    if (auto fresh = refresh(); !fresh) return fresh;
    const std::shared_ptr<const Row> known = find();
    if (!known) return absent;
    auto row = edited(*known);
    if (!row) return row.error();
    auto stored = repository_.change(std::move(*row));
    if (!stored) return stored.error();
    if (!*stored) continue;
    AccountChanges changed;
    (changed.rows.*rows).push_back(std::move(**stored));
    install(std::move(changed));
    return {};
  }
  return Error{Errc::overloaded, fmt::format("others made changes at the same time, {} times in a row; nothing was "
                                             "changed, try again later",
                                             kMaxTries)};
}

}  // namespace vodlift
