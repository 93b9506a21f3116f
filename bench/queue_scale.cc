// How long a claim, an enqueue and a query take, depending on how many uploads the queue has.
#include <fmt/format.h>
#include <sqlite3.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <latch>
#include <random>
#include <stdexcept>
#include <vector>

#include "base/await.h"
#include "base/log.h"
#include "store/sqlite_database.h"
#include "store/sqlite_statements.h"
#include "store/sqlite_upload_store.h"
#include "store/sqlite_work_queue.h"

namespace vodlift::bench {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLease{600'000};
constexpr int kClaim = 16;
constexpr AccountId kAccounts = 100;

NewUpload new_upload(std::int64_t number) {
  NewUpload upload;
  upload.account = 1 + number % kAccounts;
  upload.key_id = 1;
  upload.request.path = fmt::format("sestore4/jb/films/{}.mp4", number);
  upload.request.destination_path = fmt::format("films/{}.mp4", number);
  upload.request.bucket = "my_bucket";
  upload.request.metadata = {{"title", "A film"}, {"season", "2"}};
  upload.size = 64 * 1024;
  upload.token = "0123456789abcdef0123456789abcdef";
  upload.signature = {to_unix_seconds(SystemClock().now()), fmt::format("{:032}", number)};
  return upload;
}

std::string callback_body(const Upload&) { return "{}"; }

struct Queue {
  explicit Queue(const std::filesystem::path& path)
      : database(store::SqliteDatabase::open({.path = path, .readers = 4, .writer = {}, .signs = {}}, clock).value()),
        uploads(shared()),
        work(shared()) {}

  UploadId insert(std::int64_t number) {
    std::promise<Result<InsertOutcome>> done;
    uploads.insert(new_upload(number), [&](Result<InsertOutcome> outcome) { done.set_value(std::move(outcome)); });
    return done.get_future().get().value().id;
  }

  store::SqliteQueue shared() { return {*database, clock, feed, callback_body, NodeTerm{1, 1}, since_boot}; }

  SystemClock clock;
  LocalChangeFeed feed;
  std::unique_ptr<store::SqliteDatabase> database;
  store::SqliteUploadStore uploads;
  store::SqliteWorkQueue work;
  FairShare share;
};

void run_sql(const std::filesystem::path& path, const std::string& sql) {
  sqlite3* handle = nullptr;
  if (sqlite3_open(path.c_str(), &handle) != SQLITE_OK ||
      sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    throw std::runtime_error(sqlite3_errmsg(handle));
  sqlite3_close(handle);
}

std::string copies(std::string_view of, std::int64_t count, std::string_view columns) {
  return fmt::format(R"sql(
    WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {1})
    INSERT INTO uploads (account, destination_path, {2})
      SELECT 1 + n % {3}, '{0}/' || n, {2} FROM uploads, counted WHERE uploads.destination_path = '{0}';)sql",
                     of, count, columns, kAccounts);
}

// `rows` queued uploads and as many that have ended, copied from one of each that the store itself made.
void fill(const std::filesystem::path& path, std::int64_t rows) {
  {
    Queue queue(path);
    NewUpload ended = new_upload(0);
    ended.request.destination_path = "ended";
    NewUpload queued = new_upload(1);
    queued.request.destination_path = "queued";
    for (NewUpload* upload : {&ended, &queued}) {
      upload->signature.mac.clear();
      std::promise<void> done;
      queue.uploads.insert(*upload, [&](const Result<InsertOutcome>&) { done.set_value(); });
      done.get_future().get();
      if (upload == &ended) {
        const auto claimed = claim_next(queue.work, queue.share, {1, 1}, kLease).value();
        UploadEnding ending;
        ending.size = ended.size;
        ending.acl_applied = Acl::private_acl;
        const auto finish = [&](auto answer) { queue.work.finish(claimed.at(0).lease, ending, std::move(answer)); };
        if (!await<Result<>>(finish)) throw std::runtime_error("cannot finish");
      }
    }
  }
  const std::string_view columns =
      "key_id, state, priority, path, bucket, acl, metadata, callback, token, size, bytes_sent, attempts, fence, "
      "next_attempt_ms, acl_applied, created_ms, started_ms, finished_ms, options";
  run_sql(path, fmt::format("BEGIN; {} {} {}; {}; COMMIT;", copies("ended", rows, columns),
                            copies("queued", rows, columns), store::sql::kForgetCounts, store::sql::kCountAgain));
}

class Times {
 public:
  template <class Work>
  void take(Work work) {
    const auto begin = Steady::now();
    work();
    ms_.push_back(std::chrono::duration<double, std::milli>(Steady::now() - begin).count());
  }
  std::string json() {
    std::ranges::sort(ms_);
    return fmt::format(R"({{"p50_ms":{:.4f},"p99_ms":{:.4f}}})", ms_[ms_.size() / 2], ms_[ms_.size() * 99 / 100]);
  }

 private:
  std::vector<double> ms_;
};

void measure(const std::filesystem::path& path, std::int64_t rows, int rounds) {
  Queue queue(path);
  std::mt19937_64 random(static_cast<std::uint64_t>(rows));
  Times claims;
  Times enqueues;
  Times looks;
  for (int round = -rounds / 10; round < rounds; ++round) {  // those below 0 warm up
    const bool counts = round >= 0;
    std::vector<ClaimedUpload> claimed;
    const auto timed = [&](Times& times, auto work) {
      if (counts) {
        times.take(work);
      } else {
        work();
      }
    };
    timed(claims, [&] { claimed = claim_next(queue.work, queue.share, {kClaim, kClaim}, kLease).value(); });
    if (claimed.size() != kClaim) throw std::runtime_error("the queue ran empty");
    UploadId id = 0;
    timed(enqueues, [&] { id = queue.insert(1'000'000'000 + round); });
    const auto wanted = static_cast<UploadId>(1 + random() % static_cast<std::uint64_t>(2 * rows));
    timed(looks, [&] {
      UploadQuery query;
      query.ids = {id, wanted};
      if (queue.uploads.find(new_upload(1'000'000'000 + round).account, query).value().empty()) {
        throw std::runtime_error("an upload is not there");
      }
    });
    // Back to where they were, so that as many stay queued and ended. They share a transaction, as a worker's do.
    std::latch back(kClaim);
    std::atomic<int> failed{0};
    for (const ClaimedUpload& one : claimed) {
      queue.work.requeue(one.lease, {}, [&](const Result<>& outcome) {
        if (!outcome) ++failed;
        back.count_down();
      });
    }
    back.wait();
    if (failed > 0) throw std::runtime_error("cannot give an upload back");
  }
  fmt::print(R"({{"rows":{},"claim":{},"enqueue":{},"status":{}}})"
             "\n",
             rows, claims.json(), enqueues.json(), looks.json());
}

}  // namespace
}  // namespace vodlift::bench

int main(int argc, char** argv) {
  CLI::App app("Times of the queue in SQLite with so many uploads queued and as many ended; one line of JSON");
  std::filesystem::path directory;
  std::int64_t rows = 1000;
  int rounds = 500;
  app.add_option("--directory", directory, "An empty one, on a disk")->required()->check(CLI::ExistingDirectory);
  app.add_option("--rows", rows)->check(CLI::Range(100, 10'000'000));
  app.add_option("--rounds", rounds)->check(CLI::Range(10, 100'000));
  CLI11_PARSE(app, argc, argv);
  vodlift::log::configure(vodlift::log::Format::console, vodlift::log::Level::warn);
  try {
    vodlift::bench::fill(directory / "queue.db", rows);
    vodlift::bench::measure(directory / "queue.db", rows, rounds);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_queue_scale: {}\n", error.what());
    return 1;
  }
  return 0;
}
