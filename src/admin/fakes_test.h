// In-memory stand-ins for the ports that the administration works on; tests only.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>

#include "core/account_store.h"
#include "core/bandwidth_limits.h"
#include "core/bucket_doctor.h"
#include "core/multipart_ledger.h"
#include "core/storage.h"
#include "core/upload_store.h"

namespace vodlift::admin {

class FixedClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return from_unix_ms(1'700'000'000'123); }
};

// Keeps what it was told.
class MemoryAudit final : public AuditLog {
 public:
  void record(const AuditEntry& entry) noexcept override {
    const std::lock_guard lock(mutex_);
    entries_.push_back(entry);
  }
  std::vector<AuditEntry> entries() const {
    const std::lock_guard lock(mutex_);
    return entries_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<AuditEntry> entries_;
};

// Finds what it was told to find.
class ScriptedDoctor final : public BucketDoctor {
 public:
  BucketReport check(const BucketAccess& access) override {
    asked.push_back(access.bucket);
    return report;
  }

  BucketReport report;
  std::vector<std::string> asked;
};

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

// Knows inserting and finding; the worker's half of the port is refused.
class MemoryUploads final : public UploadStore {
 public:
  void insert(NewUpload upload, InsertDone done) override {
    Upload queued;
    {
      const std::scoped_lock lock(mutex_);
      queued.id = static_cast<UploadId>(uploads_.size()) + 1;
      queued.account = upload.account;
      queued.request = upload.request;
      queued.size = upload.size;
      queued.created = upload.created;
      uploads_.push_back(queued);
    }
    done(InsertOutcome{queued.id, false});
  }
  Result<std::vector<Upload>> find(AccountId account, const UploadQuery& query) override {
    const std::scoped_lock lock(mutex_);
    last_query = query;
    std::vector<Upload> found;
    for (const Upload& upload : uploads_) {
      const bool wanted = query.ids.empty() || std::ranges::find(query.ids, upload.id) != query.ids.end();
      if (upload.account == account && wanted) found.insert(found.begin(), upload);
    }
    return found;
  }

  Result<Upload> change(const ChangeRequest& request) override {
    const std::scoped_lock lock(mutex_);
    last_change = request;
    for (const Upload& upload : uploads_) {
      if (upload.id == request.id && upload.account == request.account) return upload;
    }
    return Error{Errc::upload_not_found, "no such upload for this account"};
  }
  Result<std::optional<UploadId>> find_repeat(std::int64_t, std::string_view) override { return refused(); }
  Result<std::vector<ClaimedUpload>> claim(const Places&, std::chrono::milliseconds) override { return refused(); }
  Result<std::vector<ReadyAccount>> ready_accounts(int) override { return refused(); }
  Result<std::vector<HeldLease>> renew(const std::vector<Lease>&, std::chrono::milliseconds) override {
    return refused();
  }
  Result<> record_multipart(const Lease&, const MultipartJournal&) override { return refused(); }
  Result<> record_part(const Lease&, const Part&) override { return refused(); }
  Result<> finish(const Lease&, const Ending&) override { return refused(); }
  Result<> requeue(const Lease&, WallTime, const std::optional<UploadError>&, bool) override { return refused(); }
  Result<int> rescue(bool, int) override { return refused(); }
  Result<std::vector<ClaimedCallback>> claim_callbacks(int, std::chrono::milliseconds) override { return refused(); }
  Result<> record_callback(const ClaimedCallback&, const CallbackAttempt&) override { return refused(); }
  Result<int> forget_signatures(WallTime) override { return refused(); }
  Result<std::optional<WallTime>> next_due() override { return refused(); }
  void on_work(std::function<void()>) override {}
  void on_recall(std::function<void(const Lease&)>) override {}

  UploadQuery last_query;
  ChangeRequest last_change;

 private:
  static Error refused() { return {Errc::internal, "not part of this test"}; }

  std::mutex mutex_;
  std::vector<Upload> uploads_;
};

// One storage, "sestore4", that holds one file of 1000 bytes: jb/film.mp4.
class MemoryStorages final : public Storages {
 public:
  Result<std::unique_ptr<SourceFile>> open(const SourcePath& path) override {
    if (path.user != "jb" || path.file != "film.mp4") return Error{Errc::source_not_found, "no such file"};
    return std::unique_ptr<SourceFile>(std::make_unique<File>());
  }
  std::vector<StorageInfo> list() override { return {{"sestore4", true, 1}}; }
  void list_files(FileQuery, std::function<void(Result<FileList>)> done) override {
    done(Error{Errc::internal, "not for this test"});
  }

 private:
  class File final : public SourceFile {
   public:
    [[nodiscard]] const SourceIdentity& identity() const override { return identity_; }
    Result<> read(std::int64_t, std::span<std::uint8_t>) const override { return {}; }
    void read_async(std::int64_t, std::span<std::uint8_t>, std::function<void(Result<>)> done) const override {
      done({});
    }
    Result<std::size_t> read_cached(std::int64_t, std::span<std::uint8_t>) const override { return std::size_t{0}; }
    Result<> check_unchanged() const override { return {}; }

   private:
    SourceIdentity identity_{.device = 1, .inode = 1, .size = 1000, .change_ns = 1, .modified_ns = 1};
  };
};

// Only tells what is left.
class ListedLedger final : public MultipartLedger {
 public:
  Result<> intend(const Lease&, const MultipartPlace&) override { return {}; }
  Result<> withdraw(const Lease&) override { return {}; }
  Result<> leave(const Lease&) override { return {}; }
  Result<std::vector<LeftMultipart>> due(int) override { return entries; }
  Result<std::vector<LeftMultipart>> left(std::optional<AccountId> account, int limit) override {
    asked_for = account;
    limited_to = limit;
    return entries;
  }
  Result<std::optional<WallTime>> next_due() override { return std::optional<WallTime>(); }
  Result<KnownMultiparts> known(const MultipartPlace&) override { return KnownMultiparts{}; }
  Result<bool> adopt(std::int64_t, const std::vector<std::string>&) override { return true; }
  Result<std::int64_t> intend_probe(const LeftMultipart&) override { return std::int64_t{1}; }
  Result<> postpone(std::int64_t, WallTime, const std::optional<std::string>&) override { return {}; }
  Result<> postpone_bucket(const LeftMultipart&, WallTime) override { return {}; }
  Result<> remove(std::int64_t) override { return {}; }

  std::vector<LeftMultipart> entries;
  std::optional<AccountId> asked_for;
  int limited_to = 0;
};

class MemoryLimits final : public BandwidthLimits {
 public:
  Result<std::vector<BandwidthLimit>> list() override {
    std::vector<BandwidthLimit> all;
    for (const auto& [scope, limit] : limits_) all.push_back(limit);
    return all;
  }
  Result<> put(const BandwidthLimit& limit) override {
    limits_[limit.scope] = limit;
    return {};
  }
  Result<> remove(const BandwidthScope& scope) override {
    if (limits_.erase(scope) == 1) return {};
    return Error{Errc::not_found, "no such limit"};
  }

 private:
  std::map<BandwidthScope, BandwidthLimit> limits_;
};

}  // namespace vodlift::admin
