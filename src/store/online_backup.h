// Backups of the database while it is in use.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/thread_pool.h"
#include "core/backup.h"
#include "store/backup_content.h"
#include "store/new_file.h"
#include "store/sqlite_connection.h"
#include "store/sqlite_database.h"

namespace vodlift::store {

// The copy keeps the database's log from beginning anew: its transaction reads one state to the end. So it is given up
// before the writer would wait for it (at 256 MiB), and before the disk is full.
struct BackupLimits {
  int pages = 256;                                      // of 4 KiB, in one step
  int rest = 1;                                         // after each step, in lengths of that step
  std::int64_t log_bytes = std::int64_t{192} << 20;     // of the log in use
  std::chrono::seconds longest{600};                    // for copying; checks come after it, and hold up nothing
  std::int64_t reserve_bytes = std::int64_t{16} << 20;  // that stay free on either disk
};

// One backup at a time, on a thread of its own.
class OnlineBackup final : public Backups {
 public:
  struct About {
    std::filesystem::path database;
    std::string version;     // of the program
    std::string master_key;  // fingerprint_of() it
  };

  // `database` and `clock` outlive it.
  OnlineBackup(SqliteDatabase& database, const Clock& clock, About about, BackupLimits limits = {});
  // Like stop().
  ~OnlineBackup() override { stop(); }

  void make(BackupRequest request, Done done) override;

  // Gives up the backup that is under way, and takes no more. May be called twice.
  void stop();

 private:
  Result<BackupManifest> write(const BackupRequest& request);
  [[nodiscard]] Result<> check_name(const BackupRequest& request) const;
  [[nodiscard]] Result<> check_room(const std::filesystem::path& file) const;
  Result<> copy(NewFile& file);
  [[nodiscard]] Result<> may_go_on(SteadyTime begun, std::int64_t log_before) const;
  Result<BackupContent> examine(const NewFile& file);

  SqliteDatabase& database_;
  const Clock& clock_;
  const About about_;
  const BackupLimits limits_;
  std::atomic<bool> busy_ = false;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;                      // guards examined_
  SqliteConnection* examined_ = nullptr;  // what is read for the check that is under way
  ThreadPool thread_;
};

}  // namespace vodlift::store
