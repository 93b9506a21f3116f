#include "store/sqlite_setup.h"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include "base/encoding.h"
#include "base/file.h"

namespace vodlift::store {
namespace {

struct Setting {
  std::string_view name;
  std::string_view set;        // as written
  std::string_view read_back;  // as SQLite tells it afterwards
};

// WAL with FULL: every commit is synced before it counts (docs/storage.md). Memory-mapped pages would turn a read
// error into SIGBUS. Autocheckpoint is off because a connection's own hook replaces it. Debian's SQLite would write
// zeros over whatever is removed or moved, in the file but not in the log: for much time little is hidden, and secrets
// are sealed anyhow.
constexpr std::array kWriterSettings = {
    Setting{"journal_mode", "WAL", "wal"},
    Setting{"synchronous", "FULL", "2"},
    Setting{"foreign_keys", "ON", "1"},
    Setting{"secure_delete", "OFF", "0"},
    Setting{"mmap_size", "0", "0"},
    Setting{"temp_store", "MEMORY", "2"},
    Setting{"cell_size_check", "ON", "1"},
    Setting{"cache_size", "-65536", "-65536"},
    Setting{"journal_size_limit", "134217728", "134217728"},
    Setting{"ignore_check_constraints", "OFF", "0"},  // check_integrity() had it on
};

constexpr std::array kReaderSettings = {
    Setting{"query_only", "ON", "1"},        Setting{"mmap_size", "0", "0"},
    Setting{"temp_store", "MEMORY", "2"},    Setting{"cell_size_check", "ON", "1"},
    Setting{"cache_size", "-4096", "-4096"},
};

Result<> apply_settings(SqliteConnection& connection, std::span<const Setting> settings) {
  connection.harden();
  for (const Setting& setting : settings) {
    connection.execute(fmt::format("PRAGMA {} = {}", setting.name, setting.set));
    const auto value = connection.query(fmt::format("PRAGMA {}", setting.name));
    if (auto error = connection.take_error()) return *error;
    // A build of SQLite without memory mapping answers nothing at all, which is as good as 0.
    if (value.value_or("0") != setting.read_back) {
      return Error{Errc::store_failed,
                   fmt::format("SQLite refused {} = {} (it says {}); the database would not be safe", setting.name,
                               setting.set, value.value_or("nothing"))};
    }
  }
  if (connection.query("PRAGMA wal_autocheckpoint").value_or("0") != "0") {
    return Error{Errc::store_failed, "SQLite would checkpoint by itself; the database would not be safe"};
  }
  return {};
}

// SQLite's WAL needs shared memory between all who open the file, and locks that work.
bool is_network_file_system(std::int64_t type) {
  constexpr std::array<std::int64_t, 4> kTypes = {NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, 0xFF534D42 /* CIFS */,
                                                  0xFE534D42 /* SMB2 */};
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

}  // namespace

Result<> check_directory(const std::filesystem::path& database) {
  const auto parent = database.has_parent_path() ? database.parent_path() : std::filesystem::path(".");
  struct statfs file_system = {};
  if (::statfs(parent.c_str(), &file_system) != 0) {
    return Error{Errc::config_invalid, fmt::format("[store] path {}: the directory {} cannot be used: {}",
                                                   database.string(), parent.string(), errno_text(errno))};
  }
  if (is_network_file_system(file_system.f_type)) {
    return Error{
        Errc::config_invalid,
        fmt::format("[store] path {} lies on a network file system, where SQLite can lose data: use a local disk",
                    database.string())};
  }
  return {};
}

Result<> prepare_database_file(const std::filesystem::path& path) {
  auto created = create_private_file(path, {});
  if (!created && created.error().code != Errc::already_exists) return created;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) {
    return Error{Errc::config_invalid, fmt::format("[store] path {} is not a regular file", path.string())};
  }
  return {};
}

Result<> configure_writer(SqliteConnection& connection) { return apply_settings(connection, kWriterSettings); }

Result<> configure_reader(SqliteConnection& connection) {
  connection.set_checkpoint_on_close(false);
  return apply_settings(connection, kReaderSettings);
}

Result<> check_integrity(SqliteConnection& connection, const std::filesystem::path& path) {
  // The schema's CHECKs held when each row was written and say nothing of the disk, but evaluating them all again takes
  // three times as long as the rest: every page, every tree, every row's types.
  connection.execute("PRAGMA ignore_check_constraints = ON");
  const auto verdict = connection.query("PRAGMA quick_check(1)");
  auto error = connection.take_error();
  if (error && error->code != Errc::store_corrupt) return *error;
  if (!error && verdict == "ok") return {};
  const std::string what = error ? error->message : printable(verdict.value_or("no answer"));
  return Error{Errc::store_corrupt,
               fmt::format("the database {} is damaged ({}): keep it aside with its -wal file, check the disk, and "
                           "restore a backup",
                           path.string(), what)};
}

}  // namespace vodlift::store
