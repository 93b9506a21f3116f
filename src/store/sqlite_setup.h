// What must be true of a database file and its connections before anything relies on them.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/sqlite_connection.h"

namespace vodlift::store {

// Refuses a directory that is missing or lies on a network file system. Errors: config_invalid.
Result<> check_directory(const std::filesystem::path& database);

// Whether the file is there and not empty.
bool has_bytes(const std::filesystem::path& file);

// For a database that is missing or empty: refuses it where one of `signs`, files that an earlier start has left, is
// there and not empty. Errors: config_invalid.
Result<> check_first_start(const std::filesystem::path& database, const std::vector<std::filesystem::path>& signs);

// Creates the file, empty and with mode 0600, where it is missing. The caller holds the lock: opening and closing a
// database file that this process uses already would drop SQLite's locks on it.
// Errors: config_invalid (not a regular file), io_error.
Result<> prepare_database_file(const std::filesystem::path& path);

// Sets what durability rests on, reads it back and refuses a connection on which it did not take.
// Errors: store_failed, store_corrupt.
Result<> configure_writer(SqliteConnection& connection);
Result<> configure_reader(SqliteConnection& connection);

// What is wrong with the file, nothing if it is sound. Reads every page, and compares indexes with their tables as far
// as kIndexPatience allows. Errors: store_failed (the file could not be read, or memory ran out: that says nothing of
// the file).
Result<std::optional<std::string>> find_damage(SqliteConnection& connection, const std::filesystem::path& path);
inline constexpr std::chrono::seconds kIndexPatience{15};

// How a start refuses a file in which `what` is wrong.
Error damaged(const std::filesystem::path& path, std::string_view what);

// Makes all indexes again from their tables, in one transaction that is kept only if the file is sound then; `damage`
// is what find_damage() found. Errors: store_corrupt (nothing was changed), store_failed.
Result<> rebuild_indexes(SqliteConnection& connection, const std::filesystem::path& path, const std::string& damage);

// What to tell where a file of the database cannot be read, for the reason `why`: store_failed.
Error unreadable(std::string_view why);

// `error`; but where it is store_corrupt, and the disk refuses to give bytes of the database or of its log,
// store_failed with the disk's fault: SQLite takes for damage what it cannot read. No connection may be open.
Error unless_unreadable(Error error, const std::filesystem::path& path);

}  // namespace vodlift::store
