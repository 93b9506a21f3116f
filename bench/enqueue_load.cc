// Measures how many signed aws.upload calls a second a vodlift accepts, and how long each waits for its answer.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>

#include "base/file.h"
#include "base/random.h"
#include "load_client.h"

namespace vodlift::bench {
namespace {

struct Options {
  LoadSettings settings;
  LoadPlan plan{.requests = 60000, .connections = 64};
  std::string secret_file;
  std::string ids_file;
};

void declare(CLI::App& app, Options& options) {
  LoadSettings& settings = options.settings;
  settings.path = "sestore1/jb/file.bin";
  settings.destination = fmt::format("load-{}/{{n}}.bin", random_hex(4));
  app.add_option("--port", options.plan.port, "Where vodlift listens on 127.0.0.1")->required();
  app.add_option("--requests", options.plan.requests, "Calls to make")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{10000000}))
      ->capture_default_str();
  app.add_option("--connections", options.plan.connections, "Keep-alive connections, one call under way on each")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app.add_option("--api-key", settings.api_key, "Key that signs")->required();
  app.add_option("--secret-file", options.secret_file, "File with the key's secret")->required();
  app.add_option("--cdn", settings.cdn, "The account's number")->required();
  app.add_option("--bucket", settings.bucket, "Bucket of the account")->required();
  app.add_option("--path", settings.path, "Source; {n} stands for the call's number")->capture_default_str();
  app.add_option("--destination", settings.destination, "Object key, likewise")->capture_default_str();
  app.add_option("--form", settings.form, "Body: multipart (as PHP sends it) or urlencoded")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, Form>{{"multipart", Form::multipart}, {"urlencoded", Form::urlencoded}}));
  app.add_option("--ids-file", options.ids_file, "Write the ids there, one a line");
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double percentile_ms(const std::vector<std::uint32_t>& sorted_us, double share) {
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(sorted_us.size() - 1) + 0.5);
  return static_cast<double>(sorted_us[rank]) / 1000.0;
}

bool all_distinct(std::vector<std::int64_t> ids) {
  std::ranges::sort(ids);
  return std::ranges::adjacent_find(ids) == ids.end();
}

bool write_ids(const std::string& file, const std::vector<std::int64_t>& ids) {
  std::ofstream out(file);
  for (const std::int64_t id : ids) out << id << '\n';
  return static_cast<bool>(out.flush());
}

int report(const Options& options, LoadResult result) {
  if (!all_distinct(result.ids)) {
    fmt::print(stderr, "two calls got the same id\n");
    return 1;
  }
  if (!options.ids_file.empty() && !write_ids(options.ids_file, result.ids)) {
    fmt::print(stderr, "cannot write {}\n", options.ids_file);
    return 1;
  }
  auto& latencies = result.latencies_us;
  std::ranges::sort(latencies);
  fmt::print(
      "{{\"requests\":{},\"connections\":{},\"seconds\":{:.6f},\"accepted_per_s\":{:.1f},"
      "\"latency_ms\":{{\"p50\":{:.3f},\"p99\":{:.3f},\"max\":{:.3f}}},\"generator_cpu_s\":{:.3f}}}\n",
      result.ids.size(), options.plan.connections, result.seconds,
      static_cast<double>(result.ids.size()) / result.seconds, percentile_ms(latencies, 0.5),
      percentile_ms(latencies, 0.99), percentile_ms(latencies, 1.0), cpu_seconds());
  return 0;
}

int run(Options& options) {
  auto secret = read_small_file(options.secret_file, 4096);
  if (!secret) {
    fmt::print(stderr, "{}\n", secret.error().message);
    return 1;
  }
  options.settings.secret = secret->substr(0, secret->find_last_not_of(" \t\r\n") + 1);
  options.settings.host = fmt::format("127.0.0.1:{}", options.plan.port);
  auto result = run_load(options.plan, LoadRequests(options.settings));
  if (!result) {
    fmt::print(stderr, "{}\n", result.error().message);
    return 1;
  }
  return report(options, std::move(*result));
}

}  // namespace
}  // namespace vodlift::bench

int main(int argc, char** argv) {
  CLI::App app{
      "Loads a vodlift on loopback with signed aws.upload calls; prints JSON, exits 1 unless all were accepted."};
  vodlift::bench::Options options;
  vodlift::bench::declare(app, options);
  CLI11_PARSE(app, argc, argv);
  return vodlift::bench::run(options);
}
