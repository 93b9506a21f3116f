// A small file beside the database that knows what must be there: which ids may have been given, and how far the
// write-ahead log goes. It tells loss, also of a whole file, from a crash (docs/storage.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "core/upload.h"
#include "store/wal_scan.h"

namespace vodlift::store {

struct MarkRecord {
  std::int64_t database = 0;      // the number of the database that it belongs to
  UploadId ids_to = 0;            // reserved: no id above this one was given
  UploadId given = 0;             // the last one, as far as this record knows
  bool closed = false;            // the database was closed, and is whole without a log
  WalGeneration log;              // none: the log had no commit yet
  std::uint32_t frames = 0;       // that the log had at least
  std::uint32_t frames_kept = 0;  // of those, the first ones that the database's file has too

  // Whether the log has something that the database's file has not.
  [[nodiscard]] bool needs_log() const { return !closed && frames > frames_kept; }
};

// One thread at a time. The file has two places that are written in turn, so a write that a power cut tears costs the
// newest record only; whatever is promised was synced before.
class StoreMark {
 public:
  // How many ids are reserved at once, with one sync. After a loss, or where nobody can tell, the next id is above
  // those.
  static constexpr std::int64_t kIdsAtOnce = 10'000;

  static std::filesystem::path path_of(const std::filesystem::path& database);
  static std::filesystem::path log_of(const std::filesystem::path& database);

  // Nothing where the file is missing, or neither of its places holds a whole record. Errors: io_error.
  static Result<std::optional<MarkRecord>> read(const std::filesystem::path& database);

  // Writes `record`, synced, into the file, which is made where it is missing (mode 0600). Errors: io_error.
  static Result<StoreMark> open(const std::filesystem::path& database, const MarkRecord& record);

  // Sees to it that `id` is reserved: to be called before the commit that gives it. Errors: io_error.
  Result<> reserve(UploadId id);
  // The log has `frames` after a commit that was synced, which gave the ids up to `id`. Not synced: what the disk has
  // of it is true, if old.
  void committed(std::uint32_t frames, UploadId id) noexcept;
  // The first `frames` of the log are in the database's file, and synced there. Errors: io_error.
  Result<> checkpointed(std::uint32_t frames);
  // The database was closed and its log removed. Errors: io_error.
  Result<> closed();
  [[nodiscard]] bool needs_log() const { return record_.needs_log(); }

 private:
  StoreMark(UniqueFd fd, std::filesystem::path path, const MarkRecord& record)
      : fd_(std::move(fd)), path_(std::move(path)), record_(record) {}

  Result<> write(bool sync);

  UniqueFd fd_;
  std::filesystem::path path_;  // of the database
  MarkRecord record_;
  std::uint64_t written_ = 0;  // the number of the last write: the file's newest record has the highest
  UniqueFd log_;               // opened when it has its first commit
};

}  // namespace vodlift::store
