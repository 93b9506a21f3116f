// Ports that live in memory: two accounts, a queue, a storage with one file, a clock that stands.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>

#include "core/account_store.h"
#include "core/audit_log.h"
#include "core/storage.h"
#include "core/upload_store.h"

namespace vodlift::legacy {

inline constexpr std::int64_t kNow = 1700000000;
inline constexpr std::string_view kApiKey = "APX4GKLM0RKQLSP2FBO1ROPKSSW47DZE";
inline constexpr std::string_view kSecret = "8fc8c48da81e6a2a06a9556379bf798af508dc0792497c678b4c3532ba8b637f";
inline constexpr std::string_view kOtherKey = "OTHERKEY00000000000000000000000A";
inline constexpr std::string_view kOtherSecret = "0000000000000000000000000000000000000000000000000000000000000001";

class ManualClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return from_unix_ms(unix_ms.load()); }
  std::atomic<std::int64_t> unix_ms{kNow * 1000};
};

// Accounts 158 (jb) and 159 (eve), one key each, one bucket each.
class FakeAccounts final : public AccountStore {
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
  [[nodiscard]] std::vector<Account> accounts() const override { return {}; }
  [[nodiscard]] std::vector<ApiKey> keys(std::optional<AccountId>) const override { return {}; }
  [[nodiscard]] std::vector<BucketAccess> buckets(std::optional<AccountId>) const override { return {}; }
  Result<> add_account(Account) override { return {}; }
  Result<> set_weight(AccountId, int) override { return {}; }
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
  Result<> put_bucket(BucketAccess) override { return {}; }

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

// Keeps what was inserted; the worker's half of the port is not reachable from here.
class FakeUploads final : public UploadStore {
 public:
  void insert(NewUpload upload, InsertDone done) override {
    Result<InsertOutcome> outcome = InsertOutcome{};
    {
      const std::lock_guard lock(mutex_);
      if (failure) {
        outcome = *failure;
      } else {
        const auto [at, fresh] = macs_.emplace(std::pair(upload.key_id, upload.signature_mac), next_id_);
        if (fresh) keep(std::move(upload));
        outcome = InsertOutcome{at->second, !fresh};
      }
    }
    done(outcome);
  }
  Result<std::optional<UploadId>> find_repeat(std::int64_t key_id, std::string_view mac) override {
    const std::lock_guard lock(mutex_);
    if (failure) return *failure;
    const auto at = macs_.find(std::pair(key_id, std::string(mac)));
    return at == macs_.end() ? std::optional<UploadId>() : std::optional(at->second);
  }
  Result<std::vector<Upload>> find(AccountId account, const UploadQuery& query) override {
    const std::lock_guard lock(mutex_);
    if (broken) throw std::runtime_error("no such table: uploads");
    if (failure) return *failure;
    last_query = query;
    const auto seen = [&query](const Upload& upload) {
      const bool in_state = query.states.empty() || std::ranges::find(query.states, upload.state) != query.states.end();
      return in_state && query.scope.holds(upload.request);
    };
    const std::set<UploadId> wanted(query.ids.begin(), query.ids.end());
    std::vector<Upload> out;
    for (auto at = uploads.rbegin(); at != uploads.rend(); ++at) {
      if (at->account == account && seen(*at) && (wanted.empty() || wanted.contains(at->id))) out.push_back(*at);
    }
    return out;
  }
  Result<Upload> change(const ChangeRequest& request) override {
    const std::lock_guard lock(mutex_);
    if (failure) return *failure;
    last_change = request;
    for (Upload& upload : uploads) {
      if (upload.id == request.id && upload.account == request.account) return upload;
    }
    return Error{Errc::upload_not_found, "no such upload for this account"};
  }
  Result<std::vector<ClaimedUpload>> claim(const Places&, std::chrono::milliseconds) override { return unreachable(); }
  Result<std::vector<ReadyAccount>> ready_accounts(int) override { return unreachable(); }
  Result<std::vector<HeldLease>> renew(const std::vector<Lease>&, std::chrono::milliseconds) override {
    return unreachable();
  }
  Result<> record_multipart(const Lease&, const MultipartJournal&) override { return unreachable(); }
  Result<> record_part(const Lease&, const Part&) override { return unreachable(); }
  Result<> finish(const Lease&, const Ending&) override { return unreachable(); }
  Result<> requeue(const Lease&, WallTime, const std::optional<UploadError>&, bool) override { return unreachable(); }
  Result<int> rescue(bool, int) override { return unreachable(); }
  Result<std::vector<ClaimedCallback>> claim_callbacks(int, std::chrono::milliseconds) override {
    return unreachable();
  }
  Result<> record_callback(const ClaimedCallback&, const CallbackAttempt&) override { return unreachable(); }
  Result<int> forget_signatures(WallTime) override { return unreachable(); }
  Result<std::optional<WallTime>> next_due() override { return unreachable(); }
  void on_work(std::function<void()>) override {}
  void on_recall(std::function<void(const Lease&)>) override {}

  std::optional<Error> failure;
  bool broken = false;
  std::vector<Upload> uploads;
  UploadQuery last_query;
  ChangeRequest last_change;

 private:
  static Error unreachable() { return {Errc::internal, "not for the API"}; }
  void keep(NewUpload added) {
    Upload upload;
    upload.id = next_id_++;
    upload.account = added.account;
    upload.request = std::move(added.request);
    upload.size = added.size;
    upload.created = added.created;
    uploads.push_back(std::move(upload));
  }

  std::mutex mutex_;
  std::map<std::pair<std::int64_t, std::string>, UploadId> macs_;
  UploadId next_id_ = 1;
};

class FakeAudit final : public AuditLog {
 public:
  void record(const AuditEntry& entry) noexcept override {
    const std::lock_guard lock(mutex_);
    std::string line(entry.command);
    line += " " + std::to_string(entry.cdn) + "/" + std::to_string(entry.key_id) + " from " + entry.address;
    for (const auto& [name, value] : entry.what) line += " " + std::string(name) + "=" + value;
    line += entry.failure ? " " + std::string(info(*entry.failure).name) : " success";
    lines.push_back(line + " " + std::to_string(entry.upload));
  }
  std::vector<std::string> lines;

 private:
  std::mutex mutex_;
};

class FakeSource final : public SourceFile {
 public:
  [[nodiscard]] const SourceIdentity& identity() const override { return identity_; }
  Result<> read(std::int64_t, std::span<std::uint8_t>) const override { return {}; }
  void read_async(std::int64_t, std::span<std::uint8_t>, std::function<void(Result<>)> done) const override {
    done({});
  }
  Result<std::size_t> read_cached(std::int64_t, std::span<std::uint8_t>) const override { return std::size_t{0}; }
  Result<> check_unchanged() const override { return {}; }

 private:
  SourceIdentity identity_{.device = 1, .inode = 2, .size = 1000, .change_ns = 3, .modified_ns = 3};
};

// sestore4 with jb/path/to/file.mp4, and sestore5, which is not there today.
class FakeStorages final : public Storages {
 public:
  Result<std::unique_ptr<SourceFile>> open(const SourcePath& path) override {
    if (path.storage != "sestore4") return Error{Errc::storage_unavailable, "storage " + path.storage + " is unknown"};
    const std::string file = path.user + "/" + path.file;
    if (gone || file != "jb/path/to/file.mp4") {
      return Error{Errc::source_not_found, "file sestore4/" + file + " does not exist"};
    }
    return std::unique_ptr<SourceFile>(std::make_unique<FakeSource>());
  }
  std::vector<StorageInfo> list() override { return {{"sestore4", true, 123456}, {"sestore5", false, 0}}; }
  void list_files(FileQuery query, std::function<void(Result<FileList>)> done) override {
    last_files = query;
    if (query.folder.storage != "sestore4") return done(Error{Errc::storage_unavailable, "not there today"});
    done(listed);
  }

  bool gone = false;
  FileList listed;
  FileQuery last_files;
};

}  // namespace vodlift::legacy
