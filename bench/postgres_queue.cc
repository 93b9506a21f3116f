// Measures how many uploads a second the queue in PostgreSQL accepts, claims and ends. pgbench commits single rows on
// the same server, for comparison.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/temporary_folder_test.h"
#include "core/fair_share.h"
#include "core/work_queue.h"
#include "postgres/pg_nodes.h"
#include "postgres/pg_upload_store.h"
#include "postgres/pg_work_queue.h"
#include "postgres/started_server_test.h"

namespace vodlift::bench {
namespace {

using postgres::PgConnection;
using postgres::PgDatabase;
using postgres::StartedServer;
using Steady = std::chrono::steady_clock;

constexpr std::ptrdiff_t kClients = 64;       // that wait for one answer each
constexpr std::ptrdiff_t kEndsAtOnce = 1000;  // that are not committed yet
constexpr int kClaimedAtOnce = 200;
constexpr AccountId kAccounts = 20;
constexpr std::chrono::milliseconds kLease{60'000};

struct Figures {
  double commits_per_s = 0;  // of pgbench
  double accepts_per_s = 0;
  double ends_per_s = 0;  // claimed and ended
  double log_bytes = 0;   // of the server, of an upload from its first row to its end
};

double seconds_since(Steady::time_point begin) { return std::chrono::duration<double>(Steady::now() - begin).count(); }

template <class T>
T expect(Result<T> outcome) {
  if (!outcome) throw std::runtime_error(outcome.error().for_operator());
  return std::move(*outcome);
}

// So many clients of pgbench commit one row each, again and again.
double measure_commits(const Secret& url, int seconds) {
  const TemporaryFolder folder;
  const std::string script = folder.file("one-row.sql");
  std::ofstream(script) << "INSERT INTO public.one_row (text) VALUES ('0123456789abcdef0123456789abcdef');\n";
  const auto connection = expect(PgConnection::open(url));
  connection->execute(
      "CREATE TABLE public.one_row (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text NOT NULL)");
  const std::string command =
      fmt::format("/usr/lib/postgresql/15/bin/pgbench -n -M prepared -c {} -j 2 -T {} -f {} '{}' 2>/dev/null", kClients,
                  seconds, script, url.reveal());
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> output(::popen(command.c_str(), "r"), ::pclose);
  std::array<char, 256> line{};
  double rate = 0;
  while (output && std::fgets(line.data(), line.size(), output.get()) != nullptr) {
    const std::string text(line.data());
    if (text.starts_with("tps = ")) rate = std::strtod(text.c_str() + 6, nullptr);
  }
  if (rate <= 0) throw std::runtime_error("pgbench says no rate: is the package postgresql-15 installed?");
  return rate;
}

double log_position(const Secret& url) {
  return std::stod(*expect(PgConnection::open(url))->execute("SELECT pg_current_wal_insert_lsn() - '0/0'"));
}

NewUpload upload_of(int number) {
  NewUpload upload;
  upload.account = 1 + number % kAccounts;
  upload.key_id = 7;
  upload.request.path = fmt::format("sestore4/jb/films/2026/{}.mp4", number);
  upload.request.bucket = "my_bucket";
  upload.request.destination_path = fmt::format("films/2026/{}.mp4", number);
  upload.request.priority = 5;
  upload.size = 1000;
  upload.token = "0123456789abcdef0123456789abcdef";
  upload.signature = {1'700'000'000, fmt::format("{:032}", number)};
  return upload;
}

// Waits until all places of `places` are free again.
template <std::ptrdiff_t most>
void wait_for_all(std::counting_semaphore<most>& places) {
  for (std::ptrdiff_t i = 0; i < most; ++i) places.acquire();
}

double measure_accepts(UploadStore& uploads, int count) {
  std::counting_semaphore<kClients> places(kClients);
  std::atomic<int> refused = 0;
  const auto begin = Steady::now();
  for (int i = 0; i < count; ++i) {
    places.acquire();
    uploads.insert(upload_of(i), [&](const Result<InsertOutcome>& outcome) {
      if (!outcome) ++refused;
      places.release();
    });
  }
  wait_for_all(places);
  if (refused > 0) throw std::runtime_error(fmt::format("{} uploads were refused", refused.load()));
  return count / seconds_since(begin);
}

double measure_ends(WorkQueue& queue, int count) {
  std::counting_semaphore<kEndsAtOnce> places(kEndsAtOnce);
  std::atomic<int> refused = 0;
  FairShare share;
  UploadEnding ending;
  ending.size = 1000;
  ending.acl_applied = Acl::private_acl;
  ending.verification = {"d41d8cd98f00b204e9800998ecf8427e", "crc32c:AAAAAA==", ""};
  const auto begin = Steady::now();
  int ended = 0;
  for (;;) {
    const auto claimed = expect(claim_next(queue, share, {kClaimedAtOnce, kClaimedAtOnce}, kLease));
    if (claimed.empty()) break;
    for (const ClaimedUpload& one : claimed) {
      places.acquire();
      queue.finish(one.lease, ending, [&](const Result<>& outcome) {
        if (!outcome) ++refused;
        places.release();
      });
      ++ended;
    }
  }
  wait_for_all(places);
  if (ended != count || refused > 0) {
    throw std::runtime_error(
        fmt::format("{} of {} uploads were claimed, {} did not end", ended, count, refused.load()));
  }
  return count / seconds_since(begin);
}

Figures measure(StartedServer& server, int count, int seconds) {
  Figures figures;
  const Secret url = server.url_of(server.make_database());
  figures.commits_per_s = measure_commits(url, seconds);
  LocalChangeFeed feed;
  postgres::PgOptions options;
  options.url = url;
  options.feed = &feed;
  const auto database = expect(PgDatabase::open(std::move(options)));
  postgres::PgNodes nodes(*database);
  const postgres::PgQueue shared{*database, feed, [](const Upload&) { return std::string("{}"); },
                                 expect(nodes.join("bench"))};
  const double log_before = log_position(url);
  {
    postgres::PgUploadStore uploads(shared);
    figures.accepts_per_s = measure_accepts(uploads, count);
  }
  postgres::PgWorkQueue queue(shared);
  figures.ends_per_s = measure_ends(queue, count);
  figures.log_bytes = (log_position(url) - log_before) / count;
  return figures;
}

double median_of(const std::vector<Figures>& runs, double Figures::*which) {
  std::vector<double> values;
  for (const Figures& run : runs) values.push_back(run.*which);
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::string as_json(const Figures& figures) {
  return fmt::format(
      R"("commits_per_s":{:.0f},"accepts_per_s":{:.0f},"ratio":{:.2f},"ends_per_s":{:.0f},"log_bytes_per_upload":{:.0f})",
      figures.commits_per_s, figures.accepts_per_s, figures.accepts_per_s / figures.commits_per_s, figures.ends_per_s,
      figures.log_bytes);
}

void measure_all(int runs, int count, int seconds) {
  StartedServer server(std::vector<std::string>{"-cshared_buffers=256MB", "-cmax_wal_size=4GB", "-cautovacuum=on"});
  std::vector<Figures> all;
  for (int run = 1; run <= runs; ++run) {
    all.push_back(measure(server, count, seconds));
    fmt::print("{{\"run\":{},{}}}\n", run, as_json(all.back()));
    std::fflush(stdout);
  }
  const Figures medians{median_of(all, &Figures::commits_per_s), median_of(all, &Figures::accepts_per_s),
                        median_of(all, &Figures::ends_per_s), median_of(all, &Figures::log_bytes)};
  fmt::print("{{\"median_of\":{},{}}}\n", runs, as_json(medians));
}

}  // namespace
}  // namespace vodlift::bench

int main(int argc, char** argv) {
  CLI::App app("Measures the queue in PostgreSQL, and pgbench for comparison. Prints lines of JSON");
  int runs = 5;
  int count = 50'000;
  int seconds = 5;
  app.add_option("--runs", runs, "How often all is measured")->check(CLI::Range(1, 100));
  app.add_option("--uploads", count, "Of each run")->check(CLI::Range(1000, 900'000));
  app.add_option("--seconds", seconds, "Of pgbench in each run")->check(CLI::Range(1, 600));
  CLI11_PARSE(app, argc, argv);
  try {
    vodlift::bench::measure_all(runs, count, seconds);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
