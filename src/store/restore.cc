#include "store/restore.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>

#include "store/backup_content.h"
#include "store/database_lock.h"
#include "store/master_key.h"
#include "store/new_file.h"
#include "store/sqlite_migrations.h"
#include "store/sqlite_setup.h"
#include "store/store_mark.h"

namespace vodlift::store {
namespace {

namespace fs = std::filesystem;

constexpr int kMostAside = 9;

Result<> check_backup(const BackupManifest& manifest, const fs::path& master_key) {
  if (manifest.schema > std::ssize(sqlite_migrations())) {
    return Error{Errc::config_invalid,
                 fmt::format("the backup was made by a newer vodlift ({}, schema step {}; this one knows {}): install "
                             "that version; nothing was changed",
                             manifest.version, manifest.schema, sqlite_migrations().size())};
  }
  if (manifest.master_key.empty()) return {};
  const auto key = load_or_create_master_key(master_key, false);
  if (!key) return key.error();
  const std::string found = fingerprint_of(*key);
  if (found == manifest.master_key) return {};
  return Error{Errc::seal_broken,
               fmt::format("{} is another master key than the one that the backup's secrets are sealed with (its "
                           "fingerprint is {}, the backup needs {}): put that one there first; nothing was changed",
                           master_key.string(), found, manifest.master_key)};
}

// The backup under a temporary name beside the database, as the manifest says it is.
Result<std::unique_ptr<NewFile>> copy_checked(const OpenBackup& backup, const fs::path& database) {
  auto copy = NewFile::make(database);
  if (!copy) return copy;
  const auto digest =
      digest_of(backup.file.get(), backup.path, [&copy](std::string_view piece) { return (*copy)->append(piece); });
  if (!digest) return with_context("nothing was changed", digest.error());
  if (digest->sha256 != backup.manifest.sha256 || digest->bytes != backup.manifest.bytes) {
    return Error{Errc::store_corrupt,
                 fmt::format("{} is not as it was made: it has {} bytes with the SHA-256 {}, and its manifest says {} "
                             "bytes with {}; nothing was changed. Restore another backup",
                             backup.path.string(), digest->bytes, digest->sha256, backup.manifest.bytes,
                             backup.manifest.sha256)};
  }
  if (auto synced = (*copy)->sync(); !synced) return synced.error();
  return copy;
}

Result<BackupContent> content_of(const NewFile& copy) {
  const auto opened = SqliteConnection::open(copy.path(), SqliteConnection::Access::alone);
  if (!opened) return opened.error();
  return examine_backup(**opened, copy.path());
}

Result<fs::path> free_name_aside(const fs::path& database) {
  for (int number = 1; number <= kMostAside; ++number) {
    const fs::path aside = fmt::format("{}.aside-{}", database.string(), number);
    if (!is_taken(aside) && !is_taken(StoreMark::log_of(aside))) return aside;
  }
  return Error{Errc::already_exists,
               fmt::format("{} databases lie aside already ({}.aside-1, …): move them to another place; nothing was "
                           "changed",
                           kMostAside, database.string())};
}

// With its log under the name that SQLite looks for, and a copy of its mark. Nothing: nothing was there.
Result<fs::path> move_aside(const fs::path& database) {
  if (!is_taken(database) && !is_taken(StoreMark::log_of(database))) return fs::path();
  auto aside = free_name_aside(database);
  if (!aside) return aside;
  std::error_code fault;
  if (is_taken(StoreMark::path_of(database))) {
    fs::copy_file(StoreMark::path_of(database), StoreMark::path_of(*aside), fs::copy_options::overwrite_existing,
                  fault);
  }
  // The log's index is of no use without it, and is made again.
  if (!fault) fs::remove(database.string() + "-shm", fault);
  for (const char* end : {"-wal", ""}) {
    if (fault || !is_taken(database.string() + end)) continue;
    fs::rename(database.string() + end, aside->string() + end, fault);
  }
  if (!fault) return aside;
  return Error{Errc::io_error,
               fmt::format("cannot move {} to {}: {}", database.string(), aside->string(), fault.message())};
}

bool is_same(const std::optional<MarkRecord>& mark, const BackupContent& content) {
  return mark && mark->database == content.database;
}

// Which ids may have been given: those that the mark knows, also one of another database, whose customers know them.
MarkRecord record_of(const std::optional<MarkRecord>& before, const BackupContent& content, UploadId ids_above) {
  MarkRecord record;
  record.database = content.database;
  record.given = content.last_id;
  if (!is_same(before, content)) record.given += StoreMark::kIdsAtOnce;
  if (before) record.given = std::max({record.given, before->given, before->ids_to});
  record.given = std::max(record.given, ids_above);
  record.ids_to = record.given;
  record.closed = true;
  return record;
}

}  // namespace

Result<OpenBackup> open_backup(const fs::path& backup) {
  OpenBackup opened;
  opened.path = backup;
  opened.file = UniqueFd(::open(backup.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!opened.file.valid()) {
    const Errc code = errno == ENOENT ? Errc::not_found : Errc::io_error;
    std::string message = fmt::format("cannot open {}: {}", backup.string(), errno_text(errno));
    if (code == Errc::not_found && is_taken(previous_of(backup))) {
      message += fmt::format("; a crash came while it was replaced, and {} is the backup from before",
                             previous_of(backup).string());
    }
    return Error{code, std::move(message)};
  }
  const auto text = read_small_file(manifest_of(backup), kMaxManifestBytes);
  if (!text) return with_context("a backup is two files, FILE and FILE.manifest.json", text.error());
  auto manifest = parse_manifest(*text);
  if (!manifest) return with_context(manifest_of(backup).string(), manifest.error());
  opened.manifest = std::move(*manifest);
  return opened;
}

Result<RestoreReport> restore(const OpenBackup& backup, const RestoreTarget& target) {
  if (auto fit = check_directory(target.database); !fit) return fit.error();
  auto lock = DatabaseLock::take(target.database);
  if (!lock) return lock.error();
  fs::path database = target.database;
  std::error_code fault;
  if (is_taken(database)) {
    if (auto held = lock->hold_file(database); !held) return held.error();
    if (fs::is_symlink(database, fault)) database = fs::canonical(database, fault);
    if (fault) return Error{Errc::io_error, fmt::format("{}: {}", target.database.string(), fault.message())};
  }
  if (has_bytes(database) && !target.replace) {
    return Error{Errc::already_exists,
                 fmt::format("the database {} is there; nothing was changed. With --replace it is moved aside, not "
                             "deleted",
                             database.string())};
  }
  if (auto fit = check_backup(backup.manifest, target.master_key); !fit) return fit.error();
  const auto mark = StoreMark::read(database);
  if (!mark) return mark.error();
  auto copy = copy_checked(backup, database);
  if (!copy) return copy.error();
  const auto content = content_of(**copy);
  if (!content) return with_context("nothing was changed", content.error());

  auto aside = move_aside(database);
  if (!aside) return aside.error();
  const MarkRecord record = record_of(*mark, *content, target.ids_above);
  if (auto marked = StoreMark::open(database, record); !marked) return marked.error();
  if (auto placed = (*copy)->place(false); !placed) return placed.error();
  if (auto synced = sync_folder_of(database); !synced) return synced.error();
  RestoreReport report;
  report.manifest = backup.manifest;
  report.database = database;
  report.aside = std::move(*aside);
  report.next_id = record.given + 1;
  report.knows_ids = is_same(*mark, *content) || target.ids_above > 0;
  return report;
}

}  // namespace vodlift::store
