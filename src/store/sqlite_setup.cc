#include "store/sqlite_setup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include "base/encoding.h"
#include "base/file.h"
#include "base/log.h"

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

// For an operator who would else restore a backup, and lose what is in the file.
constexpr std::string_view kNotDamaged =
    "this says nothing of the file, so restore no backup: check the disk and the memory, and start again";

// Whether a verdict of quick_check reports a failure to read and no damage: "… error code=266".
bool is_of_reading(std::string_view verdict) {
  constexpr std::string_view kCode = "error code=";
  const std::size_t at = verdict.find(kCode);
  if (at == std::string_view::npos) return false;
  const std::string_view digits = verdict.substr(at + kCode.size());
  int code = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), code);
  return !means_damage(code);
}

// What the disk answers where it refuses to give the file's bytes.
std::optional<int> read_fault(const std::filesystem::path& file) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return errno == ENOENT ? std::nullopt : std::optional(errno);
  std::vector<char> buffer(std::size_t{1} << 20);
  for (off_t at = 0;;) {
    const ssize_t count = ::pread(fd.get(), buffer.data(), buffer.size(), at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) return std::nullopt;
    at += count;
  }
}

}  // namespace

bool has_bytes(const std::filesystem::path& file) {
  std::error_code fault;
  const auto size = std::filesystem::file_size(file, fault);
  return !fault && size > 0;
}

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

Result<> check_first_start(const std::filesystem::path& database, const std::vector<std::filesystem::path>& signs) {
  for (const auto& sign : signs) {
    if (!has_bytes(sign)) continue;
    return Error{Errc::config_invalid,
                 fmt::format("the database {} is missing or empty, but {} is there, so this is no first start. Nothing "
                             "was changed. See that its volume is mounted, or put the database back from a backup; to "
                             "begin with an empty one, move {} to another place",
                             database.string(), sign.string(), sign.string())};
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

Result<std::optional<std::string>> find_damage(SqliteConnection& connection, const std::filesystem::path& path) {
  // The schema's CHECKs held when each row was written and say nothing of the disk, but evaluating them all again takes
  // three times as long as the rest: every page, every tree, every row's types.
  connection.execute("PRAGMA ignore_check_constraints = ON");
  auto verdict = connection.query_within("PRAGMA integrity_check(1)", kIndexPatience);
  if (!verdict && !connection.failed()) {
    log::warn("the database is large: its indexes were not compared with their tables", {});
    verdict = connection.query("PRAGMA quick_check(1)");
  }
  auto error = connection.take_error();
  if (error && error->code != Errc::store_corrupt) return *error;
  if (!error && verdict == "ok") return std::optional<std::string>();
  if (verdict && is_of_reading(*verdict)) {
    return unreadable(fmt::format("the database {} cannot be checked: {}", path.string(), printable(*verdict)));
  }
  return std::optional(error ? error->message : printable(verdict.value_or("no answer")));
}

Error damaged(const std::filesystem::path& path, std::string_view what) {
  return {
      Errc::store_corrupt,
      fmt::format("the database {} is damaged ({}): keep it aside with its -wal file, check the disk, and restore a "
                  "backup",
                  path.string(), what)};
}

Result<> rebuild_indexes(SqliteConnection& connection, const std::filesystem::path& path, const std::string& damage) {
  bool sound = connection.execute("BEGIN IMMEDIATE") && connection.execute("REINDEX");
  connection.execute("PRAGMA ignore_check_constraints = ON");
  sound = sound && connection.query("PRAGMA integrity_check(1)") == "ok" && connection.execute("COMMIT");
  connection.roll_back();
  const auto error = connection.take_error();
  if (sound && !error) {
    log::warn("indexes of the database were damaged; they were made again from its tables, and nothing is lost",
              {{"found", damage}, {"hint", "check the disk"}});
    return {};
  }
  if (error && error->code != Errc::store_corrupt && error->code != Errc::internal) return *error;
  return damaged(path, damage);
}

Error unreadable(std::string_view why) { return {Errc::store_failed, fmt::format("{}; {}", why, kNotDamaged)}; }

Error unless_unreadable(Error error, const std::filesystem::path& path) {
  if (error.code != Errc::store_corrupt) return error;
  for (const std::string_view end : {"", "-wal"}) {
    const std::string file = path.string() + std::string(end);
    if (const auto fault = read_fault(file)) {
      return unreadable(fmt::format("{} cannot be read: {}", file, errno_text(*fault)));
    }
  }
  return error;
}

}  // namespace vodlift::store
