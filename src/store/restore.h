// Puts a backup in the place of the database, while no daemon runs.
#pragma once

#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "core/backup.h"

namespace vodlift::store {

struct OpenBackup {
  std::filesystem::path path;
  UniqueFd file;
  BackupManifest manifest;
};

// Opens the backup and reads its manifest; nothing is compared yet. Errors: not_found, io_error, invalid_value.
Result<OpenBackup> open_backup(const std::filesystem::path& backup);

struct RestoreTarget {
  std::filesystem::path database;  // the file, or a link to it
  std::filesystem::path master_key;
  bool replace = false;    // see RestoreRequest
  UploadId ids_above = 0;  // see RestoreRequest
};

// Copies the backup, checks the copy and its SHA-256, and only then puts it in the database's place. A database that is
// there is moved aside with its log: DATABASE.aside-1, -2, … (9 at most). The mark (store_mark.h) is written anew, so
// that ids go on above all that it knows. A crash leaves the database before, none, or this one; the command may be run
// again. Errors: locked (a daemon runs), already_exists (a database is there, or too many lie aside), store_corrupt
// (the backup is damaged), config_invalid (newer than this program; or no folder; or no master key), seal_broken
// (another master key), io_error, store_failed.
Result<RestoreReport> restore(const OpenBackup& backup, const RestoreTarget& target);

}  // namespace vodlift::store
