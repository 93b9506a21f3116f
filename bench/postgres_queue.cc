// Measures how many uploads a second the queue in PostgreSQL accepts, claims and ends. pgbench commits single rows on
// the same server, for comparison.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/temporary_folder_test.h"
#include "postgres/started_server_test.h"
#include "postgres_load.h"

namespace vodlift::bench {
namespace {

using postgres::PgConnection;
using postgres::StartedServer;

constexpr int kClients = 64;  // that wait for one answer each

struct Figures {
  double commits_per_s = 0;  // of pgbench
  double accepts_per_s = 0;
  double ends_per_s = 0;  // claimed and ended
  double log_bytes = 0;   // of the server, of an upload from its first row to its end
};

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

Figures measure(StartedServer& server, int count, int seconds) {
  Figures figures;
  const Secret url = server.url_of(server.make_database());
  figures.commits_per_s = measure_commits(url, seconds);
  Node node(url, "bench");
  const double log_before = log_position(url);
  auto begin = Steady::now();
  node.accept(0, count, kClients);
  figures.accepts_per_s = count / seconds_since(begin);
  begin = Steady::now();
  if (node.end(count + 1) != count) throw std::runtime_error("not all uploads were claimed");
  figures.ends_per_s = count / seconds_since(begin);
  figures.log_bytes = (log_position(url) - log_before) / count;
  return figures;
}

double median(const std::vector<Figures>& runs, double Figures::*which) {
  std::vector<double> values;
  for (const Figures& run : runs) values.push_back(run.*which);
  return median_of(std::move(values));
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
  const Figures medians{median(all, &Figures::commits_per_s), median(all, &Figures::accepts_per_s),
                        median(all, &Figures::ends_per_s), median(all, &Figures::log_bytes)};
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
  vodlift::log::configure(vodlift::log::Format::console, vodlift::log::Level::warn);
  try {
    vodlift::bench::measure_all(runs, count, seconds);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
