// In-memory stand-ins for the ports that the administration works on; tests only.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/alert.h"
#include "core/audit_log.h"
#include "core/audit_reader.h"
#include "core/backup.h"
#include "core/bucket_doctor.h"
#include "core/callback_sender.h"
#include "core/file_of_size_test.h"
#include "core/password_hasher.h"
#include "core/settings.h"
#include "core/storage.h"
#include "core/store_health.h"
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
    (entry.begun ? begun_ : entries_).push_back(entry);
  }
  // Those before a change; entries() has the others.
  std::vector<AuditEntry> begun() const {
    const std::lock_guard lock(mutex_);
    return begun_;
  }
  std::vector<AuditEntry> entries() const {
    const std::lock_guard lock(mutex_);
    return entries_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<AuditEntry> entries_;
  std::vector<AuditEntry> begun_;
};

// Answers the page that the test sets.
class ScriptedAuditLines final : public AuditReader {
 public:
  Result<AuditPage> read(const AuditQuery& query) override {
    asked = query;
    return page;
  }

  Result<AuditCheck> check(const std::string& kept) override {
    kept_asked = kept;
    return checked;
  }

  AuditPage page;
  AuditQuery asked;
  AuditCheck checked;
  std::string kept_asked;
};

// Answers the report that the test sets.
class ScriptedDoctor final : public BucketDoctor {
 public:
  BucketReport check(const BucketAccess& access) override {
    asked.push_back(access.bucket);
    return report;
  }
  [[nodiscard]] std::optional<BucketTrouble> trouble(const BucketAccess& access) const override {
    const auto known = [&](const BucketTrouble& one) { return one.cdn == access.cdn && one.bucket == access.bucket; };
    const auto found = std::ranges::find_if(troubles_of_all.buckets, known);
    return found == troubles_of_all.buckets.end() ? std::nullopt : std::optional(*found);
  }
  [[nodiscard]] StoreTroubles troubles(std::span<const std::shared_ptr<const BucketAccess>> buckets) const override {
    StoreTroubles found{{}, troubles_of_all.clock_offset, troubles_of_all.clock_endpoint};
    for (const auto& bucket : buckets) {
      if (const auto one = trouble(*bucket)) found.buckets.push_back(*one);
    }
    return found;
  }
  [[nodiscard]] std::string policy(const BucketAccess& access, bool public_read) const override {
    return "policy of " + access.bucket + (public_read ? ", public objects" : "") + ", sse " +
           std::string(to_string(access.encryption.mode));
  }

  BucketReport report;
  StoreTroubles troubles_of_all;
  std::vector<std::string> asked;
};

// Hashes that take no time.
class QuickHasher final : public PasswordHasher {
 public:
  [[nodiscard]] Result<Secret> hash(const Secret& password) const override {
    return Secret("h:" + std::string(password.reveal()));
  }
  [[nodiscard]] Result<bool> matches(const Secret& hash, const Secret& password) const override {
    return hash.reveal().substr(2) == password.reveal();
  }
  [[nodiscard]] bool is_outdated(const Secret& /*hash*/) const override { return false; }
  [[nodiscard]] Secret decoy() const override { return Secret("h:\n"); }
};

// Answers what the test sets.
class ScriptedMonitor final : public StoreMonitor {
 public:
  [[nodiscard]] StoreHealth look() const override { return health; }

  StoreHealth health;
};

class ScriptedSettings final : public Settings {
 public:
  Result<ReloadedSettings> reload() override { return outcome; }

  Result<ReloadedSettings> outcome{ReloadedSettings()};
};

class ScriptedAlerts final : public Alerts {
 public:
  [[nodiscard]] std::vector<OpenAlert> open() const override { return opened; }
  [[nodiscard]] std::vector<AlertReceiver> receivers() const override { return told; }
  std::vector<AlertAnswer> test() override { return answers; }

  std::vector<OpenAlert> opened;
  std::vector<AlertReceiver> told;
  std::vector<AlertAnswer> answers;
};

// Answers what the test sets.
class ScriptedBackups final : public Backups {
 public:
  void make(BackupRequest request, Done done) override {
    asked.push_back(std::move(request));
    done(outcome);
  }

  Result<BackupManifest> outcome{BackupManifest()};
  std::vector<BackupRequest> asked;
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
    const bool known = path.file == "film.mp4" || std::ranges::find(more, path.file) != more.end();
    if (path.user != "jb" || !known) return Error{Errc::source_not_found, "no such file"};
    return std::unique_ptr<SourceFile>(std::make_unique<FileOfSize>(1000));
  }
  std::optional<Result<std::unique_ptr<SourceFile>>> open_cached(const SourcePath&) override { return std::nullopt; }
  std::vector<StorageInfo> list() override { return listed; }
  void list_files(FileQuery query, std::function<void(Result<FileList>)> done) override {
    if (query.folder.user != "jb") return done(Error{Errc::source_not_found, "no such folder"});
    const WallTime modified = from_unix_ms(1'700'000'000'123);
    FileList found{{{"sestore4/jb/film.mp4", 1000, modified}}, query.offset + 1, true, 0};
    if (query.depth == ListDepth::entries) {
      found.files.insert(found.files.begin(), {"sestore4/jb/<b>\n", 4096, modified, true});
      found.total = 7;
    }
    if (!more.empty()) found = page_of_more(query);
    done(std::move(found));
  }

  std::vector<std::string> more;  // files besides, also of 1000 bytes; where there are some, lists are of these
  bool complete = true;           // of those lists
  std::vector<StorageInfo> listed = {{"sestore4", true, 1}};

 private:
  [[nodiscard]] FileList page_of_more(const FileQuery& query) const {
    FileList found;
    found.total = std::ssize(more);
    found.complete = complete;
    for (auto at = static_cast<std::size_t>(query.offset); at < more.size() && found.files.size() < query.limit; ++at) {
      found.files.push_back({"sestore4/jb/" + more[at], 1000, {}});
    }
    return found;
  }
};

}  // namespace vodlift::rest
