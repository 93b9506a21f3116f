#include "postgres/pg_upload_lists.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "core/search_page.h"
#include "core/store_rules.h"
#include "postgres/pg_upload_rows.h"
#include "postgres/upload_statements.h"

namespace vodlift::postgres {
namespace {

constexpr std::array kAllStates = {UploadState::queued,    UploadState::paused, UploadState::uploading,
                                   UploadState::completed, UploadState::failed, UploadState::cancelled};

std::int64_t bit_of(UploadState state) { return std::int64_t{1} << static_cast<int>(state); }

std::int64_t bits_of(const std::vector<UploadState>& states) {
  std::int64_t bits = 0;
  for (const UploadState state : kAllStates) {
    if (states.empty() || std::ranges::find(states, state) != states.end()) bits |= bit_of(state);
  }
  return bits;
}

// A walk for each state, newest first, which are merged as they go. `select` has {} for the table.
std::string walks(std::string_view select, std::string_view narrowed, std::string_view bits, std::string_view order) {
  std::string statement;
  for (const UploadState state : kAllStates) {
    if (!statement.empty()) statement += " UNION ALL ";
    statement += "(" + fmt::format(fmt::runtime(select), is_end(state) ? "ended_uploads" : "open_uploads");
    statement += fmt::format(" WHERE {} & {} <> 0 AND t.state = '{}'{} {})", bits, bit_of(state), to_string(state),
                             narrowed, order);
  }
  return statement;
}

// The id below which everything lies that was created before `until`. The ids are halved: see kClockSetBack.
UploadId first_after(PgConnection& connection, WallTime until) {
  UploadId low = 0;   // created before, like all below it
  UploadId high = 1;  // created later, like all above it
  if (auto last = connection.run(sql::kNewestOfAll, 1, 0); last.next()) high = last.integer("id") + 1;
  while (high - low > 1 && !connection.failed()) {
    const UploadId middle = low + (high - low) / 2;
    auto row = connection.run(sql::kCreatedUpTo, middle);
    if (row.next() && from_unix_ms(row.integer("created_ms")) >= until + kClockSetBack) {
      high = row.integer("id");
    } else {
      low = middle;
    }
  }
  return high;
}

}  // namespace

// $1 limit, $2 offset, $3 the states' bits, $4 account; of a scope: $5 path prefix, $6 buckets, empty ones narrow
// nothing. "0" is what comes after "/".
std::string newest_statement(bool of_account, bool in_scope) {
  std::string_view select = "SELECT t.id FROM {} t";
  std::string narrowed;
  if (of_account) narrowed += " AND t.account = $4";
  if (in_scope) {
    select = "SELECT t.id FROM {} t JOIN uploads u ON u.id = t.id";
    narrowed +=
        " AND ($5 = ''::bytea OR u.path = $5 OR (u.path >= $5 || '/'::bytea AND u.path < $5 || '0'::bytea))"
        " AND (cardinality($6) = 0 OR u.bucket = ANY ($6))";
  }
  return "SELECT id FROM (" + walks(select, narrowed, "$3", "ORDER BY t.id DESC LIMIT $1 + $2") +
         ") AS w ORDER BY id DESC LIMIT $1 OFFSET $2";
}

// $1 before, $2 how many at most, $3 the states' bits, $4 account
std::string search_statement(bool of_account) {
  return "SELECT w.id, w.account, w.state, w.priority, w.error_code, u.path, u.destination_path, u.bucket, "
         "u.created_ms FROM (SELECT * FROM (" +
         walks("SELECT t.id, t.account, t.state, t.priority, t.error_code FROM {} t",
               of_account ? " AND t.account = $4 AND t.id < $1" : " AND t.id < $1", "$3",
               "ORDER BY t.id DESC LIMIT $2") +
         ") AS s ORDER BY id DESC LIMIT $2) AS w JOIN uploads u ON u.id = w.id ORDER BY w.id DESC";
}

std::vector<UploadId> newest_uploads(PgConnection& connection, std::optional<AccountId> account,
                                     const UploadQuery& query) {
  static const std::string of_all = newest_statement(false, false);
  static const std::string of_account = newest_statement(true, false);
  static const std::string in_scope = newest_statement(true, true);
  const std::int64_t limit = std::clamp(query.limit, 1, kMaxFound);
  const std::int64_t offset = std::max<std::int64_t>(query.offset, 0);
  const std::int64_t bits = bits_of(query.states);
  std::vector<Bytes> buckets;
  for (const std::string& bucket : query.scope.buckets) buckets.push_back({bucket});
  const auto run = [&]() -> PgResult {
    if (account && query.scope != KeyScope{}) {
      return connection.run(in_scope, limit, offset, bits, *account, Bytes{query.scope.path_prefix}, buckets);
    }
    if (account) return connection.run(of_account, limit, offset, bits, *account);
    if (query.states.empty()) return connection.run(sql::kNewestOfAll, limit, offset);
    return connection.run(of_all, limit, offset, bits);
  };
  std::vector<UploadId> ids;
  auto row = run();
  while (row.next()) ids.push_back(row.integer("id"));
  return ids;
}

UploadPage search_uploads(PgConnection& connection, const UploadSearch& search) {
  static const std::string of_all = search_statement(false);
  static const std::string of_account = search_statement(true);
  const UploadFilter& filter = search.filter;
  UploadId before = search.before > 0 ? search.before : std::numeric_limits<UploadId>::max();
  if (filter.created_until) before = std::min(before, first_after(connection, *filter.created_until));
  SearchPage searched(search);
  const std::vector<UploadState> states = filter.possible_states();
  const std::int64_t bits = states.empty() ? 0 : bits_of(states);
  const auto run = [&]() -> PgResult {
    if (filter.account) return connection.run(of_account, before, searched.most(), bits, *filter.account);
    if (bits == bits_of({})) return connection.run(sql::kOlder, before, searched.most());
    return connection.run(of_all, before, searched.most(), bits);
  };
  auto row = run();
  Upload upload;
  while (row.next()) {
    upload.id = row.integer("id");
    if (!read_filtered_upload(row, upload)) {
      connection.fail(fmt::format("the row of upload {} cannot be understood", upload.id));
      break;
    }
    if (!searched.look(upload)) break;
  }
  UploadPage page = searched.page();
  for (StoredUpload& stored : load_uploads(connection, searched.ids()))
    page.uploads.push_back(std::move(stored.upload));
  return page;
}

}  // namespace vodlift::postgres
