#include "store/background_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/log.h"
#include "store/sqlite_setup.h"
#include "store/sqlite_statements.h"

namespace vodlift::store {
namespace {

// `key` orders the rows; `sound` holds for each row whose values have the types of a STRICT table.
constexpr std::string_view kTables = R"(
SELECT l.name AS name,
       iif(l.wr, (SELECT group_concat('t.' || name, ', ')
                  FROM (SELECT name FROM pragma_table_xinfo(l.name) WHERE pk > 0 ORDER BY pk)), 't.rowid') AS key,
       iif(l.wr, (SELECT group_concat('quote(t.' || name || ')', '||'',''||')
                  FROM (SELECT name FROM pragma_table_xinfo(l.name) WHERE pk > 0 ORDER BY pk)),
           'quote(t.rowid)') AS quoted,
       coalesce((SELECT group_concat(printf('(typeof(t.%s) = ''%s''%s)', name, lower(type),
                                            iif("notnull" OR pk, '', printf(' OR t.%s IS NULL', name))), ' AND ')
                 FROM pragma_table_xinfo(l.name) WHERE lower(type) IN ('integer', 'text', 'blob')), 'TRUE') AS sound
FROM pragma_table_list AS l WHERE l.schema = 'main' AND l.type = 'table' ORDER BY l.name)";

// An entry has the row's key among its columns.
constexpr std::string_view kIndexes = R"(
WITH indexes AS (
  SELECT name, iif(instr(sql, ' WHERE ') > 0, substr(sql, instr(sql, ' WHERE ') + 7), 'TRUE') AS term
  FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1),
columns AS (
  SELECT s.name AS owner, x.seqno AS number, coalesce(x.name, 'rowid') AS name
  FROM indexes AS s, pragma_index_xinfo(s.name) AS x)
SELECT s.name AS name, s.term AS term,
       (SELECT group_concat('i.' || name || ' IS t.' || name, ' AND ') FROM columns WHERE owner = s.name) AS same,
       (SELECT group_concat('i.' || name, ', ')
        FROM (SELECT name FROM columns WHERE owner = s.name ORDER BY number)) AS key,
       (SELECT group_concat('quote(i.' || name || ')', '||'',''||')
        FROM (SELECT name FROM columns WHERE owner = s.name ORDER BY number)) AS quoted
FROM indexes AS s ORDER BY s.name)";

constexpr std::string_view kHowToMend =
    "stop the daemon, keep the database's files (PATH*) aside, check the disk, and restore a backup";

void add_indexes(SqliteConnection& connection, const Walk& rows, std::vector<Walk>& walks) {
  auto found = connection.prepare(kIndexes);
  found.bind(rows.table);
  while (found.step()) {
    const std::string name = found.text("name");
    const std::string term = found.text("term");
    const std::string same = found.text("same");
    const std::string entries = fmt::format("{} AS i INDEXED BY {}", rows.table, name);
    Walk forth = rows;
    forth.index = name;
    forth.select = fmt::format("(({0}) IS NOT TRUE OR EXISTS (SELECT 1 FROM {1} WHERE ({0}) AND {2})) AS sound", term,
                               entries, same);
    Walk back{rows.table, name, "", entries, term, found.text("key"), found.text("quoted")};
    back.select = fmt::format("EXISTS (SELECT 1 FROM {} WHERE ({}) AND {}) AS sound", rows.from, term, same);
    walks.push_back(std::move(forth));
    walks.push_back(std::move(back));
  }
}

// A connection for each read: the pages come from the file.
Result<std::unique_ptr<SqliteConnection>> open_to_look(const std::filesystem::path& path) {
  auto opened = SqliteConnection::open(path, SqliteConnection::Access::read_only);
  if (!opened) return opened;
  if (auto configured = configure_reader(**opened); !configured) return configured.error();
  return opened;
}

// Makes the index again, in the transaction of the change that runs. Where its pages led into those of another tree,
// clearing them would do more damage, so the file's structure is checked before the commit; the writer waits for that.
Result<> rebuild(SqliteConnection& connection, const std::string& index) {
  connection.execute("REINDEX " + index);
  connection.execute("PRAGMA ignore_check_constraints = ON");
  const auto verdict = connection.query_within("PRAGMA quick_check(1)", kIndexPatience);
  auto error = connection.take_error();
  connection.execute("PRAGMA ignore_check_constraints = OFF");
  if (error) return std::move(*error);
  if (verdict == "ok") return {};
  return Error{Errc::store_corrupt, verdict.value_or("the check after it took too long")};
}

}  // namespace

std::string Walk::statement(const std::string& after, int rows) const {
  std::string text = fmt::format("SELECT {}, {} AS place FROM {} WHERE ({})", select, quoted, from, where);
  if (!after.empty()) text += fmt::format(" AND ({}) > ({})", key, after);
  return text + fmt::format(" ORDER BY {} LIMIT {}", key, rows);
}

std::vector<Walk> walks_of(SqliteConnection& connection) {
  std::vector<Walk> walks;
  auto found = connection.prepare(kTables);
  while (found.step()) {
    Walk rows;
    rows.table = found.text("name");
    rows.from = rows.table + " AS t NOT INDEXED";
    rows.where = "TRUE";
    rows.key = found.text("key");
    rows.quoted = found.text("quoted");
    walks.push_back(rows);
    walks.back().select = found.text("sound") + " AS sound, t.*";
    add_indexes(connection, rows, walks);
  }
  return walks;
}

BackgroundCheck::BackgroundCheck(SqliteDatabase& database, std::filesystem::path path, CheckPace pace)
    : database_(database), path_(std::move(path)), pace_(pace) {}

void BackgroundCheck::start() {
  loop_.start("db-check", [this] {
    // A stop ends one wait only, which may be one of a round.
    for (auto wait = pace_.first; !loop_.stopping(); wait = pace_.between_rounds) {
      loop_.wait_for(wait);
      if (!loop_.stopping()) round();
    }
  });
}

CheckFindings BackgroundCheck::round() {
  const CheckFindings findings = look_at_all();
  lasting_ = findings.lasting;
  return findings;
}

CheckFindings BackgroundCheck::look_at_all() {
  CheckFindings findings;
  const auto walks = plan();
  if (!walks) {
    log::error("the database cannot be checked", {{"error", walks.error().message}, {"hint", kHowToMend}});
    return {0, 1};
  }
  std::string damaged;
  for (const Walk& walk : *walks) {
    if (loop_.stopping()) break;
    if (walk.table == damaged) continue;  // no index is made again from such a table
    const auto damage = find_damage(walk);
    if (!damage) continue;
    const bool mended = !walk.index.empty() && mend(walk, *damage);
    ++(mended ? findings.rebuilt : findings.lasting);
    if (!walk.index.empty()) continue;
    damaged = walk.table;
    log::error("a table of the database is damaged", {{"table", walk.table}, {"found", *damage}, {"hint", kHowToMend}});
  }
  if (findings.lasting == 0 && !loop_.stopping()) check_counts(findings);
  return findings;
}

void BackgroundCheck::check_counts(CheckFindings& findings) {
  const auto opened = open_to_look(path_);
  if (!opened) return;  // the disk refuses to be read, which says nothing of the counts
  if (!(*opened)->query_within(sql::kWrongCount, kCountPatience)) return;
  const auto counted = database_.write([&](SqliteConnection& connection) -> Result<> {
    database_.upload_counts().count_again(connection);
    return {};
  });
  ++(counted ? findings.rebuilt : findings.lasting);
  log::error("the counts of uploads did not fit the uploads",
             {{"counted_again", counted ? "yes" : counted.error().message},
              {"hint", "no upload is concerned; report it, because it must not happen"}});
}

Result<std::vector<Walk>> BackgroundCheck::plan() const {
  auto opened = open_to_look(path_);
  if (!opened) return opened.error();
  auto walks = walks_of(**opened);
  if (auto error = (*opened)->take_error()) return std::move(*error);
  return walks;
}

// What is wrong in this walk; nothing also where the disk refuses to be read, which says nothing of the file.
std::optional<std::string> BackgroundCheck::find_damage(const Walk& walk) {
  std::string after;
  do {
    const auto begun = std::chrono::steady_clock::now();
    const auto slice = look(walk, after);
    if (!slice && slice.error().code == Errc::store_corrupt) return slice.error().message;
    if (!slice) {
      log::warn("the check of the database goes on in the next round",
                {{"table", walk.table}, {"index", walk.index}, {"reason", slice.error().message}});
      return std::nullopt;
    }
    if (slice->unsound) return "no match at " + *slice->unsound;
    if (slice->last == after) return std::nullopt;  // no longer text is compared than SQLite quotes: up to a NUL
    after = slice->last;
    const auto took = std::chrono::steady_clock::now() - begun;
    loop_.wait_for(std::max(pace_.least_rest, std::chrono::ceil<std::chrono::milliseconds>(took * pace_.rest)));
  } while (!after.empty() && !loop_.stopping());
  return std::nullopt;
}

Result<BackgroundCheck::Slice> BackgroundCheck::look(const Walk& walk, const std::string& after) const {
  const auto opened = open_to_look(path_);
  if (!opened) return opened.error();
  Slice slice;
  int rows = 0;
  {
    auto row = (*opened)->prepare(walk.statement(after, pace_.rows));
    while (!slice.unsound && row.step()) {
      if (row.integer("sound") == 0) slice.unsound = row.text("place");
      if (++rows == pace_.rows) slice.last = row.text("place");
    }
  }
  if (auto error = (*opened)->take_error()) return std::move(*error);
  return slice;
}

bool BackgroundCheck::mend(const Walk& walk, const std::string& damage) {
  auto rebuilt = database_.write([&](SqliteConnection& connection) { return rebuild(connection, walk.index); });
  const auto left = rebuilt ? find_damage(walk) : rebuilt.error().message;
  if (!left) {
    log::warn("an index of the database did not match its table; it was made again, and nothing is lost",
              {{"index", walk.index}, {"found", damage}, {"hint", "check the disk"}});
    return true;
  }
  log::error("an index of the database is damaged and cannot be made again",
             {{"index", walk.index}, {"found", damage}, {"reason", *left}, {"hint", kHowToMend}});
  return false;
}

}  // namespace vodlift::store
