// What is left of a database after years: uploads come, end and are removed day by day, by a clock of its own.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "core/fair_share.h"
#include "core/retry_policy.h"
#include "store/sqlite_callback_queue.h"
#include "store/sqlite_database.h"
#include "store/sqlite_upload_retention.h"
#include "store/sqlite_upload_store.h"
#include "store/sqlite_work_queue.h"

namespace vodlift::bench {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds kDay = days(1);
constexpr milliseconds kLease = std::chrono::hours(1);
constexpr int kTogether = 500;  // uploads that are inserted, and that end, at once
constexpr int kStep = 50;       // uploads that are removed at once, as the daemon does
constexpr AccountId kAccounts = 20;

// Of a hundred uploads: so many fail for good, are tried twice, and have a callback.
constexpr std::int64_t kFailing = 3;
constexpr std::int64_t kTwice = 5;
constexpr std::int64_t kWithCallback = 20;

class SimulatedClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return WallTime(milliseconds(now_ms_.load())); }
  void pass(milliseconds time) { now_ms_ += time.count(); }
  [[nodiscard]] milliseconds since_begin() const { return milliseconds(now_ms_.load() - kBegin); }

 private:
  static constexpr std::int64_t kBegin = 1'795'000'000'000;
  std::atomic<std::int64_t> now_ms_{kBegin};
};

// Waits for answers that come on other threads. An error of one is thrown by wait().
class Answers {
 public:
  explicit Answers(std::size_t expected) : left_(expected) {}

  template <class Outcome>
  void take(const Outcome& outcome) {
    const std::lock_guard lock(mutex_);
    if (!outcome) error_ = outcome.error().for_operator();
    if (--left_ == 0) all_.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    all_.wait(lock, [this] { return left_ == 0; });
    if (!error_.empty()) throw std::runtime_error(error_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_;
  std::size_t left_;
  std::string error_;
};

NewUpload upload_of(std::int64_t number, WallTime now) {
  NewUpload upload;
  upload.account = 1 + number % kAccounts;
  upload.key_id = upload.account;
  upload.request.path = fmt::format("sestore4/jb/films/{}.mp4", number);
  upload.request.destination_path = fmt::format("films/{}.mp4", number);
  upload.request.bucket = "my_bucket";
  upload.request.metadata = {{"title", "A film"}, {"season", "2"}};
  if (number % 100 < kWithCallback)
    upload.request.callback = fmt::format("http://receiver-{}.example.com/done", upload.account);
  upload.size = 64 * 1024;
  upload.token = fmt::format("{:032x}", number);
  upload.signature = {to_unix_seconds(now), fmt::format("{:032}", number)};
  return upload;
}

class Service {
 public:
  Service(const std::filesystem::path& path, SimulatedClock& clock, std::int64_t term)
      : clock_(clock),
        term_(term),
        database_(store::SqliteDatabase::open({.path = path, .readers = 2, .writer = {}, .signs = {}}, clock).value()),
        uploads_(shared()),
        work_(shared()),
        callbacks_(shared()),
        retention_(*database_, uploads_) {}

  void insert(std::int64_t first, std::int64_t count) {
    Answers answers(static_cast<std::size_t>(count));
    for (std::int64_t number = first; number < first + count; ++number) {
      uploads_.insert(upload_of(number, clock_.now()),
                      [&](const Result<InsertOutcome>& outcome) { answers.take(outcome); });
    }
    answers.wait();
  }

  // Runs all uploads that are due. One that fails for a while is due again after its delay.
  void run_uploads() {
    for (;;) {
      const auto claimed = claim_next(work_, share_, {kTogether, kTogether}, kLease).value();
      if (claimed.empty()) return;
      Answers answers(claimed.size());
      for (const ClaimedUpload& one : claimed) end(one, [&](const Result<>& outcome) { answers.take(outcome); });
      answers.wait();
    }
  }

  void send_callbacks() {
    for (;;) {
      std::vector<std::int64_t> ids;
      for (const AccountId account : callbacks_.due_accounts(0, kAccounts).value()) {
        for (const DueReceiver& one : callbacks_.due_receivers(account, "", 10, kTogether).value()) {
          ids.insert(ids.end(), one.ids.begin(), one.ids.end());
        }
      }
      if (ids.empty()) return;
      std::vector<RecordedAttempt> attempts;
      for (ClaimedCallback& one : callbacks_.claim(ids, kLease).value()) {
        // One receiver fails at first, as some do.
        const bool fails = one.account == 1 && one.attempts == 0;
        CallbackAttempt attempt{milliseconds(12), fails ? 503 : 200, fails ? "the receiver answered 503" : "",
                                fails ? CallbackState::pending : CallbackState::delivered,
                                fails ? milliseconds(30'000) : milliseconds(0)};
        attempts.push_back({std::move(one), attempt});
      }
      if (!callbacks_.record(attempts).value().empty()) throw std::runtime_error("a callback's lease is lost");
    }
  }

  std::int64_t remove_older_than(days keep) {
    std::int64_t removed = 0;
    for (const UploadState state : {UploadState::completed, UploadState::failed}) {
      EndedPlace after;
      for (;;) {
        const auto page = retention_.ended(state, after, clock_.now() - keep, kStep).value();
        if (!page.last) break;
        after = *page.last;
        std::vector<UploadId> ids;
        for (const Upload& upload : page.removable) ids.push_back(upload.id);
        removed += retention_.remove(ids).value();
      }
    }
    return removed;
  }

 private:
  void end(const ClaimedUpload& one, WorkQueue::Done done) {
    const std::int64_t kind = one.lease.id % 100;
    UploadError error{Errc::s3_transient, "PutObject of s3://my_bucket/films: HTTP 503 SlowDown", true};
    if (kind < kTwice && one.upload.attempts == 1) {
      return work_.requeue(one.lease, {milliseconds(60'000), error, /*failed_attempt=*/true}, std::move(done));
    }
    UploadEnding ending;
    ending.size = one.upload.size;
    if (kind >= kTwice && kind < kTwice + kFailing) {
      ending.state = UploadState::failed;
      error.code = Errc::s3_access_denied;
      error.retryable = false;
      ending.error = error;
    } else {
      ending.acl_applied = Acl::private_acl;
      ending.verification = {"0123456789abcdef0123456789abcdef", "crc32c:AAAAAA==", ""};
    }
    work_.finish(one.lease, ending, std::move(done));
  }

  store::SqliteQueue shared() {
    return {*database_,
            clock_,
            feed_,
            [](const Upload& upload) { return fmt::format(R"({{"id":{}}})", upload.id); },
            NodeTerm{1, term_},
            [this] { return clock_.since_begin(); }};
  }

  SimulatedClock& clock_;
  const std::int64_t term_;
  LocalChangeFeed feed_;
  std::unique_ptr<store::SqliteDatabase> database_;
  store::SqliteUploadStore uploads_;
  store::SqliteWorkQueue work_;
  store::SqliteCallbackQueue callbacks_;
  store::SqliteUploadRetention retention_;
  FairShare share_;
};

double mib_of(const std::filesystem::path& file) {
  std::error_code absent;
  const auto bytes = std::filesystem::file_size(file, absent);
  return absent ? 0.0 : static_cast<double>(bytes) / (1024 * 1024);
}

double resident_mib() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t size = 0;
  std::int64_t resident = 0;
  statm >> size >> resident;
  return static_cast<double>(resident) * 4096 / (1024 * 1024);
}

std::ptrdiff_t open_files() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return std::distance(begin(files), end(files));
}

struct Plan {
  std::filesystem::path directory;
  int days = 365;
  std::int64_t a_day = 1000;
  int keep_days = 30;
  int report_every = 30;
};

void simulate(const Plan& plan) {
  const auto path = plan.directory / "years.db";
  SimulatedClock clock;
  std::int64_t term = 0;
  auto service = std::make_unique<Service>(path, clock, ++term);
  std::int64_t number = 0;
  std::int64_t removed = 0;
  for (int day = 1; day <= plan.days; ++day) {
    for (std::int64_t left = plan.a_day; left > 0;) {
      const std::int64_t count = std::min<std::int64_t>(left, kTogether);
      service->insert(number, count);
      number += count;
      left -= count;
      service->run_uploads();
      service->send_callbacks();
      clock.pass(kDay * count / plan.a_day);
    }
    service->run_uploads();
    service->send_callbacks();
    removed += service->remove_older_than(days(plan.keep_days));
    if (day % plan.report_every != 0 && day != plan.days) continue;
    const double resident = resident_mib();
    const auto files = open_files();
    service.reset();
    const double file = mib_of(path);
    const double log = mib_of(path.string() + "-wal");
    const auto begin = Steady::now();
    service = std::make_unique<Service>(path, clock, ++term);
    const double start_ms = std::chrono::duration<double, std::milli>(Steady::now() - begin).count();
    fmt::print(R"({{"day":{},"uploads":{},"removed":{},"database_mib":{:.1f},"log_mib":{:.1f},"resident_mib":{:.1f},)"
               R"("open_files":{},"start_ms":{:.1f}}})"
               "\n",
               day, number, removed, file, log, resident, files, start_ms);
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace vodlift::bench

int main(int argc, char** argv) {
  CLI::App app("Uploads of many days in SQLite, removed after some days, by a simulated clock; lines of JSON");
  vodlift::bench::Plan plan;
  app.add_option("--directory", plan.directory, "An empty one, on a disk")->required()->check(CLI::ExistingDirectory);
  app.add_option("--days", plan.days)->check(CLI::Range(1, 36'500));
  app.add_option("--a-day", plan.a_day, "Uploads")->check(CLI::Range(1, 1'000'000));
  app.add_option("--keep-days", plan.keep_days, "After an upload's end")->check(CLI::Range(3, 36'500));
  app.add_option("--report-every", plan.report_every, "Days")->check(CLI::Range(1, 36'500));
  CLI11_PARSE(app, argc, argv);
  vodlift::log::configure(vodlift::log::Format::console, vodlift::log::Level::warn);
  try {
    vodlift::bench::simulate(plan);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_retention_years: {}\n", error.what());
    return 1;
  }
  return 0;
}
