// In-memory stand-ins for the ports that the administration works on; tests only.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/audit_log.h"
#include "core/bucket_doctor.h"
#include "core/callback_sender.h"
#include "core/file_of_size_test.h"
#include "core/storage.h"
#include "memory/memory_accounts.h"
#include "memory/watched_uploads.h"

namespace vodlift::rest {

class FixedClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return now_; }
  void pass(std::chrono::milliseconds time) { now_ += time; }

 private:
  WallTime now_ = from_unix_ms(1'700'000'000'123);
};

// Keeps the entries.
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

// Answers the report that the test sets.
class ScriptedDoctor final : public BucketDoctor {
 public:
  BucketReport check(const BucketAccess& access) override {
    asked.push_back(access.bucket);
    return report;
  }
  [[nodiscard]] std::string trouble(const BucketAccess& access) const override {
    return access.bucket == troubled ? "its key is refused" : "";
  }
  [[nodiscard]] std::string policy(const BucketAccess& access, bool public_read) const override {
    return "policy of " + access.bucket + (public_read ? ", public objects" : "") + ", sse " +
           std::string(to_string(access.encryption.mode));
  }

  BucketReport report;
  std::string troubled;  // the bucket whose uploads wait
  std::vector<std::string> asked;
};

// Takes each callback.
class PleasedReceiver final : public CallbackSender {
 public:
  void send(CallbackMessage /*message*/, Done done) override {
    CallbackAnswer answer;
    answer.http_status = 204;
    done(answer);
  }
};

// One storage, "sestore4", that holds one file of 1000 bytes: jb/film.mp4.
class MemoryStorages final : public Storages {
 public:
  Result<std::unique_ptr<SourceFile>> open(const SourcePath& path) override {
    if (path.user != "jb" || path.file != "film.mp4") return Error{Errc::source_not_found, "no such file"};
    return std::unique_ptr<SourceFile>(std::make_unique<FileOfSize>(1000));
  }
  std::optional<Result<std::unique_ptr<SourceFile>>> open_cached(const SourcePath&) override { return std::nullopt; }
  std::vector<StorageInfo> list() override { return {{"sestore4", true, 1}}; }
  void list_files(FileQuery query, std::function<void(Result<FileList>)> done) override {
    if (query.folder.user != "jb") return done(Error{Errc::source_not_found, "no such folder"});
    done(FileList{{{"sestore4/jb/film.mp4", 1000, from_unix_ms(1'700'000'000'123)}}, query.offset + 1, true, 0});
  }
};

}  // namespace vodlift::rest
