// What a backup holds, and whether it is sound.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "core/upload.h"
#include "store/sqlite_connection.h"

namespace vodlift::store {

struct BackupContent {
  int schema = 0;                                                  // the last step
  std::int64_t database = 0;                                       // the number of the database
  UploadId last_id = 0;                                            // the highest that was given; 0: none
  std::array<std::int64_t, Words<UploadState>::kCount> uploads{};  // by the state's number
  std::int64_t accounts = 0;
  std::int64_t keys = 0;
  std::int64_t buckets = 0;
  bool holds_secrets = false;  // sealed by a master key
};

// Checks the whole file, each index with its table too, and counts. `connection` is one to `file`, for this alone.
// Errors: store_corrupt (it is damaged, or no database of vodlift), config_invalid (newer than this program),
// store_failed (also after SqliteConnection::interrupt).
Result<BackupContent> examine_backup(SqliteConnection& connection, const std::filesystem::path& file);

struct FileDigest {
  std::int64_t bytes = 0;
  std::string sha256;  // 64 hexadecimal digits
};

// Reads `fd` from its beginning, on the disk where that is possible, and gives each piece of 1 MiB at most to `take`,
// whose error ends it. `file` is its name for messages. Errors: io_error, those of `take`.
Result<FileDigest> digest_of(int fd, const std::filesystem::path& file,
                             const std::function<Result<>(std::string_view piece)>& take);

}  // namespace vodlift::store
