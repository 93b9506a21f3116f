// Looks what needs a person, and tells the operator's receivers.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "alert/alert_post.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/time_zone.h"
#include "base/worker_thread.h"
#include "core/alert.h"
#include "core/alert_book.h"
#include "net/http_client.h"

namespace vodlift::alert {

// From when on something needs a person.
struct Thresholds {
  std::chrono::seconds queue_age{3600};  // of the upload that is ready and has waited longest
  std::int64_t disk_free_bytes = std::int64_t{1} << 30;
};

struct Options {
  std::vector<std::string> webhooks{};
  Secret webhook_secret{};  // empty: requests are not signed
  std::string body = "json";
  std::vector<std::string> command{};  // empty: none
  std::chrono::seconds command_limit{30};
  std::chrono::hours repeat{4};
  Thresholds thresholds{};
  std::optional<int> digest_minute{};  // of the day, 0..1439; nothing: no digest
  TimeZone time_zone = TimeZone::utc();
  std::string server{};  // how messages call this one

  [[nodiscard]] bool has_receivers() const { return !webhooks.empty() || !command.empty(); }
};

// What a look has found.
struct Findings {
  std::vector<AlertCause> causes{};
  bool complete = true;  // false: there may be more
};

// What a day was like: a title, a detail and figures.
struct Day {
  std::string title{};
  std::string detail{};
  boost::json::object figures{};
};

// Looks each kLook while there are receivers. Internally locked.
class AlertWatch final : public Alerts {
 public:
  static constexpr std::chrono::seconds kLook{3};
  // A digest that is late by more is left out, as one that the next morning brings would be of another day.
  static constexpr std::chrono::hours kLateDigest{1};
  static constexpr std::chrono::hours kBetweenDigests{12};
  static constexpr std::chrono::seconds kTestLimit{45};
  static constexpr std::size_t kMostNoted = 10;

  struct Ports {
    std::function<Findings(const Thresholds&)> find;  // may block
    std::function<Day()> day;                         // likewise; of the last 24 hours
    const Clock& clock;
    SteadyClock steady;
    // What was told is kept in it over restarts; empty: nowhere.
    std::filesystem::path file;
  };

  AlertWatch(Ports ports, Options options);
  ~AlertWatch() override { stop(); }

  // restore(), and begins.
  void start();
  // Reads the file. It may be missing or damaged: then all is told again.
  void restore();
  // Ends what is under way, within 200 ms but for a look. May be called twice.
  void stop();

  // Other options from now on. Messages that wait are dropped where the receivers are others.
  void use(Options options);

  // Something that has happened, and counts as there for `lasts`. Does not block.
  void note(AlertCause cause, std::chrono::seconds lasts);

  [[nodiscard]] std::vector<OpenAlert> open() const override;
  [[nodiscard]] std::vector<AlertReceiver> receivers() const override;
  std::vector<AlertAnswer> test() override;

  // What the thread does each kLook; for it and for tests. Answers when it is to be called again at the latest.
  SteadyTime look();

 private:
  struct Noted {
    AlertCause cause;
    SteadyTime until;
  };

  [[nodiscard]] std::shared_ptr<AlertPost> make_post(const Options& options);
  [[nodiscard]] Findings find(const Thresholds& thresholds);
  [[nodiscard]] std::vector<AlertMessage> news_of(const Findings& found);
  [[nodiscard]] std::optional<AlertMessage> digest_if_due();
  [[nodiscard]] bool is_digest_due(WallTime now) const;
  void write_file();

  const Ports ports_;
  mutable std::mutex mutex_;  // guards the next block
  Options options_;
  AlertBook book_;
  std::vector<Noted> noted_;
  std::optional<WallTime> last_digest_;
  std::shared_ptr<AlertPost> post_;

  WorkerThread loop_;
  net::HttpClient client_;  // its answers wake the loop
};

}  // namespace vodlift::alert
