// Ports that live in memory: two accounts, a queue, a storage with one file, an audit log, a clock that stands.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/account_directory.h"
#include "core/audit_log.h"
#include "core/file_of_size_test.h"
#include "core/storage.h"
#include "memory/watched_uploads.h"

namespace vodlift::legacy {

inline constexpr std::int64_t kNow = 1700000000;

inline constexpr std::string_view kApiKey = "APX4GKLM0RKQLSP2FBO1ROPKSSW47DZE";
inline constexpr std::string_view kSecret = "8fc8c48da81e6a2a06a9556379bf798af508dc0792497c678b4c3532ba8b637f";
inline constexpr std::string_view kOtherKey = "OTHERKEY00000000000000000000000A";
inline constexpr std::string_view kOtherSecret = "0000000000000000000000000000000000000000000000000000000000000001";

// An account with one key and one bucket.
inline void add_customer(AccountDirectory& accounts, AccountId cdn, std::string_view user, std::string_view api_key,
                         std::string_view secret, std::string_view bucket_name) {
  Account account;
  account.cdn = cdn;
  account.user = user;
  accounts.add_account(account).value();
  ApiKey key;
  key.cdn = cdn;
  key.api_key = api_key;
  key.secret = Secret(std::string(secret));
  accounts.add_key(key).value();
  BucketAccess bucket;
  bucket.cdn = cdn;
  bucket.bucket = bucket_name;
  accounts.put_bucket(bucket).value();
}

class ManualClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return from_unix_ms(unix_ms.load()); }
  std::atomic<std::int64_t> unix_ms{kNow * 1000};
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

// sestore4 with jb/path/to/file.mp4, and sestore5, which is not there today.
class FakeStorages final : public Storages {
 public:
  Result<std::unique_ptr<SourceFile>> open(const SourcePath& path) override {
    if (path.storage != "sestore4") return Error{Errc::storage_unavailable, "storage " + path.storage + " is unknown"};
    const std::string file = path.user + "/" + path.file;
    if (gone || file != "jb/path/to/file.mp4") {
      return Error{Errc::source_not_found, "file sestore4/" + file + " does not exist"};
    }
    return std::unique_ptr<SourceFile>(std::make_unique<FileOfSize>(1000));
  }
  std::optional<Result<std::unique_ptr<SourceFile>>> open_cached(const SourcePath& path) override {
    if (!cached) return std::nullopt;
    return open(path);
  }
  std::vector<StorageInfo> list() override { return {{"sestore4", true, 123456}, {"sestore5", false, 0}}; }
  void list_files(FileQuery query, std::function<void(Result<FileList>)> done) override {
    last_files = query;
    if (query.folder.storage != "sestore4") return done(Error{Errc::storage_unavailable, "not there today"});
    done(listed);
  }

  bool gone = false;
  bool cached = false;  // the file needs no disk
  FileList listed;
  FileQuery last_files;
};

}  // namespace vodlift::legacy
