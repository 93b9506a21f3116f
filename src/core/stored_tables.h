// What a store keeps, as rows that mean the same in every store; and how they are copied from one store into another.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace vodlift {

// Numbers in decimal, truth values as 0 and 1, texts and bytes as they are; nothing: NULL.
using StoredValue = std::optional<std::string>;
using StoredRow = std::vector<StoredValue>;

struct StoredTable {
  // What a new store has in it, and what becomes of that.
  enum class First {
    nothing,   // a copy goes on behind the last row that it has
    replaced,  // the rows of a new store are removed first
    set        // every copy writes all rows
  };

  std::string_view name;
  std::array<std::string_view, 4> key;  // the columns that order the rows; empty ones are not used
  First first = First::nothing;
  std::string_view rows = "1 = 1";  // which are copied

  [[nodiscard]] std::size_t key_columns() const;
};

// In the order in which they are copied: what others refer to first. The names are SQLite's. Each store says which rows
// of its own a table stands for where that is more than a table of that name (store/sqlite_tables, postgres/pg_tables).
inline constexpr std::array kStoredTables = {
    // 'database' is of one store alone, and so is when it removed something last.
    StoredTable{"counters",
                {"name"},
                StoredTable::First::replaced,
                "name IN ('accounts', 'accounts_removed', 'receivers_swept')"},
    StoredTable{"seal_canary", {"id"}, StoredTable::First::replaced},
    StoredTable{"accounts", {"cdn"}},
    StoredTable{"api_keys", {"id"}},
    StoredTable{"buckets", {"cdn", "bucket"}},
    StoredTable{"former_accounts", {"cdn"}},
    StoredTable{"bandwidth_limits", {"scope", "account", "name"}},
    StoredTable{"people", {"id"}},
    StoredTable{"setup_links", {"person"}},
    StoredTable{"sessions", {"hash"}},
    StoredTable{"access_tokens", {"id"}},
    StoredTable{"uploads", {"id"}},
    StoredTable{"upload_attempts", {"upload_id", "fence"}},
    StoredTable{"upload_counts", {"account", "state"}},
    StoredTable{"signed_requests", {"timestamp_s", "key_id", "mac"}},
    StoredTable{"multiparts", {"upload_id"}},
    StoredTable{"parts", {"upload_id", "number"}},
    StoredTable{"multipart_ledger", {"id"}},
    StoredTable{"callbacks", {"id"}},
    StoredTable{"callback_attempts", {"callback_id", "number"}},
    StoredTable{"callback_receivers", {"account", "receiver"}, StoredTable::First::replaced},
    StoredTable{"statistics", {"account", "slot_s", "begins_s"}},
    StoredTable{"statistics_errors", {"account", "slot_s", "begins_s", "code"}},
    StoredTable{"statistics_buckets", {"begins_s", "account", "bucket"}},
    StoredTable{"statistics_rings", {"account"}},
    StoredTable{"statistics_ends", {"account", "state"}},
    // The last id that each table has given. After the rows: an id of an upload must have its place in the store.
    StoredTable{"last_ids", {"name"}, StoredTable::First::set},
};

// Port: the tables of one store. Leases are in no row: what is leased must be taken back before. One thread. Errors of
// all: store_failed, store_corrupt, internal (a row breaks a rule of this store).
class StoredTables {
 public:
  StoredTables() = default;
  StoredTables(const StoredTables&) = delete;
  StoredTables& operator=(const StoredTables&) = delete;
  virtual ~StoredTables() = default;

  // The columns of rows: those of the key first, the others by their names.
  virtual Result<std::vector<std::string>> columns(const StoredTable& table) = 0;
  // The first `limit` rows whose key comes behind `after` (empty: from the first row on), by the key. Bytes are
  // compared as unsigned numbers.
  virtual Result<std::vector<StoredRow>> read(const StoredTable& table, const StoredRow& after, std::size_t limit) = 0;
  // The key of the last row; empty: there is none.
  virtual Result<StoredRow> last_key(const StoredTable& table) = 0;
  // Adds these rows: all, on the disk, or none.
  virtual Result<> write(const StoredTable& table, const std::vector<StoredRow>& rows) = 0;
  // Makes room for uploads with ids up to this one. Errors also: wrong_state (it cannot hold so many).
  virtual Result<> make_room(std::int64_t last_upload) = 0;

  // A number by which a store is known, wherever it lies.
  virtual Result<std::int64_t> number() = 0;
  // The store whose rows are being copied into this one; nothing: no copy was begun, or it is complete.
  virtual Result<std::optional<std::int64_t>> copied_from() = 0;
  // Begins a copy: removes the rows that a new store has in a table with First::replaced.
  virtual Result<> begin_copy(std::int64_t source) = 0;
  virtual Result<> end_copy() = 0;
};

// What was compared of a table: so many rows, and the SHA-256 of their text (64 hexadecimal digits), which does not
// depend on the store.
struct TableSum {
  std::string table;
  std::int64_t rows = 0;
  std::string sha256;
};

// Hears now and then how far the copy is.
using CopyProgress = std::function<void(std::string_view what, std::string_view table, std::int64_t rows)>;

// Copies all tables of a store into a new one, or goes on where an earlier copy from the same source was cut off; then
// compares every row of both. Nobody else may change either meanwhile. Until end_copy(), which it does not call, the
// target must not be used. Memory for two batches of rows. Errors: wrong_state (the target has rows of its own, or of
// another source), store_corrupt (a row differs), those of StoredTables.
Result<std::vector<TableSum>> copy_tables(StoredTables& source, StoredTables& target, const CopyProgress& progress);

}  // namespace vodlift
