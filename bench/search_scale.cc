// How long a search takes among very many uploads that have ended, with the filters that are the worst for it.
#include <fmt/format.h>
#include <sqlite3.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "store/sqlite_database.h"
#include "store/sqlite_statements.h"
#include "store/sqlite_upload_store.h"

namespace vodlift::bench {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::int64_t kFirstMs = 1'700'000'000'000;
constexpr std::int64_t kBetweenMs = 8640;  // 10,000 uploads a day

// Of 1,000 uploads 970 are completed, 20 failed, 9 cancelled and one is queued. Those of an account lie far apart. One
// in a million has the bucket, the priority, the name and the error that the searches for few ask for.
constexpr std::string_view kFill = R"sql(
  WITH RECURSIVE counted (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < {rows}),
    one AS (SELECT n, (n * 2654435761 >> 12) % 1000 AS kind, n % 1000000 = 500000 AS rare FROM counted),
    made AS (SELECT n, rare, iif(rare OR kind BETWEEN 970 AND 989, 'failed', iif(kind < 970, 'completed',
                             iif(kind < 999, 'cancelled', 'queued'))) AS state FROM one)
  INSERT INTO uploads (account, key_id, state, priority, path, destination_path, bucket, acl, metadata, callback, token,
                       size, bytes_sent, attempts, fence, next_attempt_ms, acl_applied, etag, checksum, error_code,
                       error_message, error_retryable, created_ms, started_ms, finished_ms)
    SELECT 1 + n * 31 % {accounts}, 1, state, iif(rare, 9, 5), 'sestore4/jb/films/2026/season-' || n % 50 || '/' || n || '.mp4',
           'films/season-' || n % 50 || iif(rare, '/rare-', '/episode-') || n || '.mp4', iif(rare, 'rare', 'videos'), 'private',
           '{{"title":"A film"}}', 'https://www.example.com/uploaded', printf('%032x', n), 65536,
           iif(state = 'completed', 65536, 0), state = 'completed', state = 'completed', {first} + n * {between},
           iif(state = 'completed', 'private', NULL), printf('%032x', n), 'crc32c:AAAAAA==',
           iif(state = 'failed', iif(rare, 's3_access_denied', 'source_missing'), NULL),
           iif(state = 'failed', 'it did not work', NULL), iif(state = 'failed', 0, NULL), {first} + n * {between},
           iif(state = 'completed', {first} + n * {between}, NULL), iif(state = 'queued', NULL, {first} + n * {between})
    FROM made;)sql";

void run_sql(const std::filesystem::path& path, const std::string& sql) {
  sqlite3* handle = nullptr;
  if (sqlite3_open(path.c_str(), &handle) != SQLITE_OK ||
      sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    throw std::runtime_error(sqlite3_errmsg(handle));
  sqlite3_close(handle);
}

std::unique_ptr<store::SqliteDatabase> open(const std::filesystem::path& path, const Clock& clock) {
  return store::SqliteDatabase::open({.path = path, .readers = 4, .writer = {}, .signs = {}}, clock).value();
}

void fill(const std::filesystem::path& path, std::int64_t rows, std::int64_t accounts) {
  const SystemClock clock;
  open(path, clock);
  run_sql(path, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000;" +
                    fmt::format(fmt::runtime(kFill), fmt::arg("rows", rows), fmt::arg("accounts", accounts),
                                fmt::arg("first", kFirstMs), fmt::arg("between", kBetweenMs)) +
                    fmt::format("{}; {};", store::sql::kForgetCounts, store::sql::kCountAgain));
}

std::vector<std::pair<std::string, UploadSearch>> searches(std::int64_t rows) {
  std::vector<std::pair<std::string, UploadSearch>> all;
  const auto add = [&](const std::string& name, auto narrow) {
    UploadSearch search;
    search.limit = 100;
    narrow(search.filter);
    all.emplace_back(name, std::move(search));
  };
  const auto time_of = [](std::int64_t number) { return from_unix_ms(kFirstMs + number * kBetweenMs); };
  add("all", [](auto&) {});
  add("account", [](auto& f) { f.account = 500; });
  add("failed", [](auto& f) { f.states = {UploadState::failed}; });
  add("failed or cancelled", [](auto& f) { f.states = {UploadState::failed, UploadState::cancelled}; });
  add("queued", [](auto& f) { f.states = {UploadState::queued}; });
  add("text of none", [](auto& f) { f.text = "no such name"; });
  add("text of none, account", [](auto& f) { f.text = "no such name", f.account = 500; });
  add("text of none, failed", [](auto& f) { f.text = "no such name", f.states = {UploadState::failed}; });
  add("text of few", [](auto& f) { f.text = "/rare-"; });
  add("error of few", [](auto& f) { f.errors = {Errc::s3_access_denied}; });
  add("error of none, account", [](auto& f) { f.errors = {Errc::timeout}, f.account = 500; });
  add("bucket of few", [](auto& f) { f.bucket = "rare"; });
  add("priority of few", [](auto& f) { f.priority = 9; });
  add("scope of none", [](auto& f) { f.account = 500, f.scope.path_prefix = "sestore4/jb/none"; });
  add("until the middle", [&](auto& f) { f.created_until = time_of(rows / 2); });
  add("until the middle, account, failed",
      [&](auto& f) { f.created_until = time_of(rows / 2), f.account = 500, f.states = {UploadState::failed}; });
  add("the last hour, text of none",
      [&](auto& f) { f.created_since = time_of(rows) - std::chrono::hours(1), f.text = "no such name"; });
  return all;
}

double ms_since(Steady::time_point begin) {
  return std::chrono::duration<double, std::milli>(Steady::now() - begin).count();
}

// The first call, with what SQLite and the kernel have in memory then, and the slowest and the median of the others.
void measure(const std::filesystem::path& path, int rounds) {
  const SystemClock clock;
  LocalChangeFeed feed;
  const auto database = open(path, clock);
  store::SqliteUploadStore uploads(
      {*database, clock, feed, [](const Upload&) { return std::string(); }, NodeTerm{1, 1}, since_boot});
  auto begin = Steady::now();
  std::int64_t rows = 0;
  for (const UploadCount& one : uploads.counts().value()) rows += one.uploads;
  fmt::print("{} uploads; counts: {:.2f} ms\n", rows, ms_since(begin));
  for (const auto& [name, search] : searches(rows)) {
    std::vector<double> ms;
    UploadPage page;
    for (int round = 0; round < rounds; ++round) {
      begin = Steady::now();
      page = uploads.search(search).value();
      ms.push_back(ms_since(begin));
    }
    const double first = ms.front();
    std::ranges::sort(ms);
    fmt::print("{:40} first {:7.2f} ms, median {:7.2f} ms, slowest {:7.2f} ms; {} found{}\n", name, first,
               ms[ms.size() / 2], ms.back(), page.uploads.size(), page.searched_to ? ", goes on" : "");
  }
}

}  // namespace
}  // namespace vodlift::bench

int main(int argc, char** argv) {
  CLI::App app("Times of searches among so many uploads. Makes the database where it is missing (0.5 GB a million)");
  std::filesystem::path database;
  std::int64_t rows = 10'000'000;
  std::int64_t accounts = 1000;
  int rounds = 20;
  app.add_option("--database", database, "The file, on a disk")->required();
  app.add_option("--rows", rows)->check(CLI::Range(1000, 100'000'000));
  app.add_option("--accounts", accounts)->check(CLI::Range(1, 100'000));
  app.add_option("--rounds", rounds)->check(CLI::Range(1, 100'000));
  CLI11_PARSE(app, argc, argv);
  try {
    if (!std::filesystem::exists(database)) vodlift::bench::fill(database, rows, accounts);
    vodlift::bench::measure(database, rounds);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_search_scale: {}\n", error.what());
    return 1;
  }
  return 0;
}
