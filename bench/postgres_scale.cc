// Measures what the queue in PostgreSQL loses by a synchronous standby, by a second node on the same machine, by a long
// history and by a transaction that stays open. Each figure is a ratio of two figures that were taken in turns.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "base/log.h"
#include "postgres/started_server_test.h"
#include "postgres_load.h"

namespace vodlift::bench {
namespace {

using postgres::PgConnection;
using postgres::StartedServer;

struct Options {
  std::string only;
  int clients = 64;  // that wait for one answer each
  int nodes = 2;     // that are compared with one
  int runs = 5;
  int uploads = 30'000;
  int history = 10'000'000;
  int waiting = 1'000'000;
  int held_s = 600;
};

StartedServer make_server() {
  return StartedServer(std::vector<std::string>{"-cshared_buffers=256MB", "-cmax_wal_size=4GB", "-cautovacuum=on"});
}

void run(const Secret& url, const std::string& sql) {
  const auto connection = expect(PgConnection::open(url));
  connection->execute("SET statement_timeout = 0");
  connection->execute(sql, std::chrono::hours(1));
  if (const auto failure = connection->take_failure()) throw std::runtime_error(failure->error.message);
}

void say(const std::string& what, const std::vector<double>& without, const std::vector<double>& with) {
  fmt::print(R"({{"what":"{}","without":{:.0f},"with":{:.0f},"ratio":{:.2f}}})"
             "\n",
             what, median_of(without), median_of(with), median_of(with) / median_of(without));
  std::fflush(stdout);
}

// Accepts a second, without and with a standby on the same machine that each commit waits for.
void measure_standby(const Options& options) {
  StartedServer primary = make_server();
  const StartedServer standby(StartedServer::StandbyOf{primary});
  std::vector<double> rates[2];
  for (int turn = 0; turn < 2 * options.runs; ++turn) {
    const bool waits = turn % 2 == 1;
    run(primary.url_of("postgres"), fmt::format("ALTER SYSTEM SET synchronous_standby_names = '{}'", waits ? "*" : ""));
    run(primary.url_of("postgres"), "SELECT pg_reload_conf()");
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    Node node(primary.url_of(primary.make_database()), "bench");
    const auto begin = Steady::now();
    node.accept(0, options.uploads, options.clients);
    rates[waits].push_back(options.uploads / seconds_since(begin));
  }
  say("accepts/s with a synchronous standby", rates[0], rates[1]);
}

// Uploads a second from their acceptance to their end, by one node and by several that share the clients and the work.
void measure_nodes(const Options& options) {
  StartedServer server = make_server();
  std::vector<double> accepts[2];
  std::vector<double> ends[2];
  for (int turn = 0; turn < 2 * options.runs; ++turn) {
    const bool several = turn % 2 == 1;
    const int count = several ? options.nodes : 1;
    const Secret url = server.url_of(server.make_database());
    std::vector<std::unique_ptr<Node>> nodes;
    for (int i = 0; i < count; ++i) nodes.push_back(std::make_unique<Node>(url, fmt::format("node{}", i)));
    const int each = options.uploads / count;
    const auto on_all = [&](const auto& work) {
      const auto begin = Steady::now();
      {
        std::vector<std::jthread> threads;
        for (int i = 0; i < count; ++i) threads.emplace_back([&, i] { work(*nodes[static_cast<std::size_t>(i)], i); });
      }
      return each * count / seconds_since(begin);
    };
    accepts[several].push_back(
        on_all([&](Node& node, int i) { node.accept(i * each, each, std::max(options.clients / count, 1)); }));
    ends[several].push_back(on_all([&](Node& node, int /*i*/) { node.end(options.uploads); }));
  }
  say(fmt::format("accepts/s of {} clients by {} nodes", options.clients, options.nodes), accepts[0], accepts[1]);
  say(fmt::format("claimed and ended/s by {} nodes", options.nodes), ends[0], ends[1]);
}

double p99_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.at(values.size() * 99 / 100);
}

// How long claims take that find `waiting` uploads: the 99th percentile of a thousand, in milliseconds. What was
// claimed is replaced by as many new ones.
double claim_p99(Node& node, int& next, int clients) {
  constexpr int kAtOnce = 10;
  std::vector<double> claims;
  while (claims.size() < 1000) {
    node.end(100, kAtOnce, &claims);
    node.accept(next, 100, clients);
    next += 100;
  }
  return p99_of(std::move(claims));
}

// Rows as the queue would have written them.
void make_history(const Secret& url, int count) {
  run(url, fmt::format(R"(
    INSERT INTO vodlift.uploads (id, account, key_id, path, destination_path, bucket, acl, metadata, callback, options, token, created_ms)
    SELECT nextval('vodlift.upload_ids'), 1 + g % 20, 7, ('sestore4/jb/old/' || g || '.mp4')::bytea, ('old/' || g || '.mp4')::bytea,
           'my_bucket', 'private', '{{}}', '', '{{}}', '0123456789abcdef0123456789abcdef', 1700000000000 + g
    FROM generate_series(1, {}) g)",
                       count));
  run(url, R"(
    INSERT INTO vodlift.ended_uploads (id, account, size, bytes_sent, fence, started_ms, finished_ms, attempt_started_ms,
                                       attempt_first_byte, attempts, priority, state, acl_applied, etag, checksum, version_id)
    SELECT id, account, 1000, 1000, 1, created_ms, created_ms + 1000, created_ms, 0, 1, 5, 'completed', 'private',
           'd41d8cd98f00b204e9800998ecf8427e', 'crc32c:AAAAAA==', ''
    FROM vodlift.uploads)");
  run(url, "VACUUM ANALYZE");
}

void measure_history(const Options& options) {
  StartedServer server = make_server();
  std::vector<double> times[2];
  for (const bool much : {false, true}) {
    const Secret url = server.url_of(server.make_database());
    Node node(url, "bench");
    if (much) make_history(url, options.history);
    int next = 0;
    const int waiting = much ? options.waiting : 1000;
    node.accept(next, waiting, 4 * options.clients);
    next += waiting;
    if (much) run(url, "VACUUM ANALYZE");
    for (int i = 0; i < options.runs; ++i) times[much].push_back(1000 * claim_p99(node, next, options.clients));
  }
  say(fmt::format("99th percentile of a claim, microseconds, at {} ended and {} waiting", options.history,
                  options.waiting),
      times[0], times[1]);
}

// Uploads a second from their acceptance to their end, before a transaction is opened elsewhere and after it was open
// so long.
void measure_held(const Options& options) {
  StartedServer server = make_server();
  const Secret url = server.url_of(server.make_database());
  Node node(url, "bench");
  int next = 0;
  const auto rate_for = [&](int seconds) {
    constexpr int kStep = 2000;
    const auto begin = Steady::now();
    const int first = next;
    while (seconds_since(begin) < seconds) {
      node.accept(next, kStep, options.clients);
      next += kStep;
      node.end(kStep);
    }
    return (next - first) / seconds_since(begin);
  };
  rate_for(60);
  const double before = rate_for(60);
  const auto other = expect(PgConnection::open(url));
  other->execute("SET idle_in_transaction_session_timeout = 0");
  other->execute("BEGIN ISOLATION LEVEL REPEATABLE READ");
  other->execute("SELECT count(*) FROM vodlift.open_uploads");
  rate_for(options.held_s - 60);
  say(fmt::format("uploads/s, a transaction open for {} s", options.held_s), {before}, {rate_for(60)});
}

void measure(const Options& options) {
  const auto wanted = [&](std::string_view name) { return options.only.empty() || options.only == name; };
  if (wanted("standby")) measure_standby(options);
  if (wanted("nodes")) measure_nodes(options);
  if (wanted("history")) measure_history(options);
  if (wanted("held")) measure_held(options);
}

}  // namespace
}  // namespace vodlift::bench

int main(int argc, char** argv) {
  CLI::App app("Measures what costs the queue in PostgreSQL speed. Prints lines of JSON");
  vodlift::bench::Options options;
  app.add_option("--only", options.only, "One of the parts")
      ->check(CLI::IsMember({"standby", "nodes", "history", "held"}));
  app.add_option("--clients", options.clients, "That wait for one answer each")->check(CLI::Range(1, 4096));
  app.add_option("--nodes", options.nodes, "Of the part that compares them with one")->check(CLI::Range(2, 32));
  app.add_option("--runs", options.runs, "Of each of the two sides")->check(CLI::Range(1, 100));
  app.add_option("--uploads", options.uploads, "Of each run")->check(CLI::Range(1000, 900'000));
  app.add_option("--history", options.history, "Ended uploads")->check(CLI::Range(1000, 19'000'000));
  app.add_option("--waiting", options.waiting, "Uploads in the queue")->check(CLI::Range(1000, 1'000'000));
  app.add_option("--held-s", options.held_s, "How long the transaction is open")->check(CLI::Range(61, 86'400));
  CLI11_PARSE(app, argc, argv);
  vodlift::log::configure(vodlift::log::Format::console, vodlift::log::Level::warn);
  try {
    vodlift::bench::measure(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
