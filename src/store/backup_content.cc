#include "store/backup_content.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/encoding.h"
#include "base/file.h"
#include "base/hash.h"
#include "store/sqlite_migrations.h"

namespace vodlift::store {
namespace {

constexpr std::string_view kUploadsByState =
    "SELECT state, count(*) AS uploads FROM uploads INDEXED BY uploads_in_state GROUP BY account, state";

std::int64_t count_by(SqliteConnection& connection, std::string_view sql) {
  auto row = connection.prepare(sql);
  return row.step() ? row.integer("n") : 0;
}

BackupContent count_content(SqliteConnection& connection) {
  BackupContent content;
  content.schema = static_cast<int>(count_by(connection, "SELECT max(number) AS n FROM migrations"));
  content.database = count_by(connection, "SELECT value AS n FROM counters WHERE name = 'database'");
  content.last_id = count_by(connection, "SELECT seq AS n FROM sqlite_sequence WHERE name = 'uploads'");
  content.accounts = count_by(connection, "SELECT count(*) AS n FROM accounts");
  content.keys = count_by(connection, "SELECT count(*) AS n FROM api_keys");
  content.buckets = count_by(connection, "SELECT count(*) AS n FROM buckets");
  content.holds_secrets = count_by(connection, "SELECT count(*) AS n FROM seal_canary") != 0;
  auto row = connection.prepare(kUploadsByState);
  while (row.step()) {
    const auto state = upload_state_from(row.text("state"));
    if (state) content.uploads[static_cast<std::size_t>(*state)] += row.integer("uploads");
  }
  return content;
}

}  // namespace

Result<BackupContent> examine_backup(SqliteConnection& connection, const std::filesystem::path& file) {
  connection.harden();
  connection.execute("PRAGMA cell_size_check = ON");
  // Each row kept the schema's rules when it was written; that says nothing of the disk, and takes long.
  connection.execute("PRAGMA ignore_check_constraints = ON");
  const auto verdict = connection.query("PRAGMA integrity_check(1)");
  if (auto error = connection.take_error()) return std::move(*error);
  if (verdict != "ok") {
    return Error{Errc::store_corrupt,
                 fmt::format("{} is damaged: {}", file.string(), printable(verdict.value_or("no answer")))};
  }
  if (!has_schema(connection)) {
    return Error{Errc::store_corrupt, fmt::format("{} is no database of vodlift", file.string())};
  }
  if (auto ours = check_schema(connection, file, sqlite_migrations()); !ours) return ours.error();
  BackupContent content = count_content(connection);
  if (auto error = connection.take_error()) return std::move(*error);
  return content;
}

Result<FileDigest> digest_of(int fd, const std::filesystem::path& file,
                             const std::function<Result<>(std::string_view piece)>& take) {
  // What is in memory says nothing of the disk.
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  std::string buffer(std::size_t{1} << 20, '\0');
  Sha256 sum;
  FileDigest digest;
  for (;;) {
    const ssize_t count = ::pread(fd, buffer.data(), buffer.size(), digest.bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Error{Errc::io_error, fmt::format("cannot read {}: {}", file.string(), errno_text(errno))};
    if (count == 0) break;
    const std::string_view piece(buffer.data(), static_cast<std::size_t>(count));
    sum.update(bytes_of(piece));
    if (auto taken = take(piece); !taken) return taken.error();
    digest.bytes += count;
  }
  digest.sha256 = to_hex(sum.finish());
  return digest;
}

}  // namespace vodlift::store
