#include "core/stored_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"

namespace vodlift {
namespace {

constexpr std::size_t kRowsAtOnce = 1000;

StoredRow key_of(const StoredTable& table, const StoredRow& row) {
  return {row.begin(), row.begin() + static_cast<std::ptrdiff_t>(table.key_columns())};
}

// For messages. Hashes and the like are left out.
std::string text_of_key(const StoredTable& table, const StoredRow& row) {
  std::string text;
  for (std::size_t at = 0; at < table.key_columns(); ++at) {
    const std::string& value = row[at].value();
    const bool is_plain = is_ascii(value) && !has_control(value);
    text += fmt::format("{}{} {}", at == 0 ? "" : ", ", table.key.at(at), is_plain ? printable(value) : "(bytes)");
  }
  return text;
}

// Two rows have the same text only if they are the same.
void add_text(std::string& text, const StoredRow& row) {
  for (const StoredValue& value : row) {
    if (value) {
      text += fmt::format("{}:{}", value->size(), *value);
    } else {
      text += '-';
    }
  }
  text += '\n';
}

Error different(const StoredTable& table, std::string_view what) {
  return {Errc::store_corrupt, fmt::format("table {}: {}. Drop the target, and begin again", table.name, what)};
}

Result<> check_columns(const StoredTable& table, StoredTables& source, StoredTables& target) {
  const auto from = source.columns(table);
  if (!from) return from.error();
  const auto to = target.columns(table);
  if (!to) return to.error();
  if (*from == *to) return {};
  return Error{Errc::internal, fmt::format("table {} has not the same columns in both stores", table.name)};
}

// A new store is made ready; one that is not new must be an unfinished copy of this source.
Result<> begin(StoredTables& source, StoredTables& target) {
  const auto number = source.number();
  if (!number) return number.error();
  const auto begun = target.copied_from();
  if (!begun) return begun.error();
  if (*begun == *number) return {};
  if (*begun) {
    return Error{Errc::wrong_state,
                 "the target is an unfinished copy of another database: drop it, or name that database as the source"};
  }
  for (const StoredTable& table : kStoredTables) {
    if (table.first != StoredTable::First::nothing) continue;
    const auto row = target.read(table, {}, 1);
    if (!row) return row.error();
    if (!row->empty()) {
      return Error{Errc::wrong_state,
                   fmt::format("the target is not empty: it has rows in the table {}. Nothing was changed. Name a new "
                               "database as the target",
                               table.name)};
    }
  }
  return target.begin_copy(*number);
}

Result<> make_room(StoredTables& source, StoredTables& target) {
  const StoredTable& ids = kStoredTables.back();
  const auto rows = source.read(ids, {}, kRowsAtOnce);
  if (!rows) return rows.error();
  for (const StoredRow& row : *rows) {
    if (row.at(0) == "uploads") return target.make_room(std::stoll(row.at(1).value()));
  }
  return {};
}

Result<> copy(const StoredTable& table, StoredTables& source, StoredTables& target, const CopyProgress& progress) {
  StoredRow after;
  if (table.first != StoredTable::First::set) {
    auto last = target.last_key(table);
    if (!last) return last.error();
    after = std::move(*last);
  }
  for (std::int64_t copied = 0;;) {
    const auto rows = source.read(table, after, kRowsAtOnce);
    if (!rows) return rows.error();
    if (rows->empty()) return {};
    if (auto written = target.write(table, *rows); !written) return written;
    after = key_of(table, rows->back());
    copied += std::ssize(*rows);
    progress("copied", table.name, copied);
  }
}

Result<TableSum> compare(const StoredTable& table, StoredTables& source, StoredTables& target,
                         const CopyProgress& progress) {
  TableSum sum;
  sum.table = table.name;
  Sha256 digest;
  for (StoredRow after;;) {
    const auto theirs = source.read(table, after, kRowsAtOnce);
    if (!theirs) return theirs.error();
    const auto ours = target.read(table, after, kRowsAtOnce);
    if (!ours) return ours.error();
    const auto [one, other] = std::mismatch(theirs->begin(), theirs->end(), ours->begin(), ours->end());
    if (one != theirs->end() || other != ours->end()) {
      return different(table, fmt::format("the row of {} is not the same in source and target",
                                          text_of_key(table, one != theirs->end() ? *one : *other)));
    }
    if (ours->empty()) break;
    std::string text;
    for (const StoredRow& row : *ours) add_text(text, row);
    digest.update(bytes_of(text));
    after = key_of(table, ours->back());
    sum.rows += std::ssize(*ours);
    progress("compared", table.name, sum.rows);
  }
  sum.sha256 = to_hex(digest.finish());
  return sum;
}

}  // namespace

std::size_t StoredTable::key_columns() const {
  return static_cast<std::size_t>(std::ranges::count_if(key, [](std::string_view column) { return !column.empty(); }));
}

Result<std::vector<TableSum>> copy_tables(StoredTables& source, StoredTables& target, const CopyProgress& progress) {
  for (const StoredTable& table : kStoredTables) {
    if (auto same = check_columns(table, source, target); !same) return same.error();
  }
  if (auto begun = begin(source, target); !begun) return begun.error();
  if (auto made = make_room(source, target); !made) return made.error();
  for (const StoredTable& table : kStoredTables) {
    if (auto copied = copy(table, source, target, progress); !copied) {
      return with_context(fmt::format("table {}", table.name), copied.error());
    }
  }
  std::vector<TableSum> sums;
  for (const StoredTable& table : kStoredTables) {
    auto sum = compare(table, source, target, progress);
    if (!sum) return sum.error();
    sums.push_back(std::move(*sum));
  }
  return sums;
}

}  // namespace vodlift
