// The accounts, their API keys and their buckets, as this process knows them.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "core/account_repository.h"
#include "core/change_feed.h"

namespace vodlift {

// Keeps an immutable snapshot of a repository's rows in memory and replaces the snapshot as a whole. Internally locked;
// any thread.
//
// Reads are answered from the snapshot: they do not block and cannot fail, and what they return stays as it is,
// whatever changes later. Changes block for the disk; each is visible to every read that starts after the change has
// returned. Changes that other nodes make become visible with refresh(); is_behind() says when to call it. Errors of
// all changes: those of AccountRepository.
class AccountDirectory {
 public:
  // Knows nothing until the first refresh(). The repository must outlive the directory.
  explicit AccountDirectory(AccountRepository& repository);

  // Each is null if there is no such row. Revoked and expired keys are returned: the caller asks refusal() of
  // api_key.h.
  [[nodiscard]] std::shared_ptr<const Account> find_account(AccountId cdn) const;
  [[nodiscard]] std::shared_ptr<const ApiKey> find_key(std::string_view api_key) const;
  [[nodiscard]] std::shared_ptr<const BucketAccess> find_bucket(AccountId cdn, std::string_view bucket) const;

  // The same, and after a refresh() if it is not known: another node may have added it just now, and handed on an
  // upload or a callback. Blocks for the disk then. Errors: those of refresh().
  Result<std::shared_ptr<const Account>> look_up_account(AccountId cdn);
  Result<std::shared_ptr<const BucketAccess>> look_up_bucket(AccountId cdn, std::string_view bucket);

  // In order of cdn, of age, and of name. Without `cdn`: of all accounts.
  [[nodiscard]] std::vector<std::shared_ptr<const Account>> accounts() const;
  [[nodiscard]] std::vector<std::shared_ptr<const ApiKey>> keys(std::optional<AccountId> cdn) const;
  [[nodiscard]] std::vector<std::shared_ptr<const BucketAccess>> buckets(std::optional<AccountId> cdn) const;

  // From now on is_behind() goes by `feed`, which must outlive the directory. Call it once, before the first refresh().
  void follow(ChangeFeed& feed);
  // Whether accounts may have changed since the last refresh. Does not block.
  [[nodiscard]] bool is_behind() const { return behind_; }

  // Loads what has changed since the last refresh. Blocks for the disk. After a failure the directory is as before, and
  // the next refresh loads the same changes. Errors: those of AccountRepository::load_since().
  Result<> refresh();

  // Errors: those of AccountRepository::add().
  Result<> add_account(Account account);
  // As change_key(). cdn, user and created stay as they are. A weight applies from the account's next turn on.
  Result<> change_account(AccountId cdn, const std::function<Result<>(Account&)>& edit);
  // Errors: those of AccountRepository::add().
  Result<> add_key(ApiKey key);
  // The first revocation stays: revoking a revoked key succeeds and changes nothing. Errors: those of change_key().
  Result<> revoke_key(std::string_view api_key, WallTime when);
  // Calls `edit` on a copy of the key as it is stored, then stores the copy. If somebody else changed the key in
  // between, does both again; `edit` must therefore have no effect but on its argument. If `edit` fails, nothing is
  // stored. id, cdn, api_key, created and last_used stay as they are.
  // Errors: not_found, those of `edit`, overloaded (others changed the key at every try; nothing is stored).
  Result<> change_key(std::string_view api_key, const std::function<Result<>(ApiKey&)>& edit);
  // Moves last_used of these keys forward, never back. Keys that do not exist are ignored. Recording the same uses
  // again, after a failure, does no harm.
  Result<> record_key_uses(std::span<const KeyUse> uses);
  // Adds the bucket, or replaces how it is reached. Errors: those of AccountRepository::put().
  Result<> put_bucket(BucketAccess bucket);

  // Adds all of these, or none. Errors: those of AccountRepository::add_all().
  Result<> add_all(AccountRows rows);

  // What is being removed, and since when. Does not block.
  [[nodiscard]] std::vector<std::pair<Removable, WallTime>> removing() const;
  // Those of AccountRepository.
  Result<> set_removing(const Removable& one, std::optional<WallTime> since);
  Result<Uses> uses(const Removable& one) { return repository_.uses(one); }
  Result<std::vector<UploadId>> uncancelled(const Removable& one, int limit) {
    return repository_.uncancelled(one, limit);
  }
  Result<bool> remove(const Removable& one, WallTime now);

 private:
  struct Snapshot;

  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const;
  // Makes a snapshot with these rows, where they are newer than its own.
  void install(AccountChanges changes);
  template <class Row, class Find, class Edited>
  Result<> change(const Find& find, const Edited& edited, std::vector<Row> AccountRows::*rows, const Error& absent);

  AccountRepository& repository_;
  std::mutex install_mutex_;  // held while a snapshot is made from the one before
  mutable std::mutex mutex_;  // guards the pointer; held only while it is copied
  std::shared_ptr<const Snapshot> snapshot_;
  std::atomic<bool> behind_ = false;

  ChangeFeed::Subscription changes_;  // the last member: it ends first
};

}  // namespace vodlift
