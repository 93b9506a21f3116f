// What `vodlift doctor` learns from a running daemon of the daemon itself.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "base/clock.h"
#include "cli/build.h"
#include "cli/doctor_exam.h"
#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

constexpr std::int64_t kDay = 86'400;
// Of descriptors and connections.
constexpr double kNearlyUsedUp = 0.9;
// Stores refuse requests when clocks differ by some minutes.
constexpr double kWrongClockS = 60;
// A commit that takes longer than this, on average, holds up every answer to a new upload.
constexpr double kSlowCommitS = 0.25;
constexpr std::int64_t kFewCommits = 20;

DoctorSection server_section(ServerExam& exam) {
  DoctorSection section{.name = "server"};
  if (!exam.has_metrics(section)) return section;
  const auto build = exam.metrics().all("vodlift_build_info");
  const auto label = [&build](const char* name) {
    const auto at = build.empty() ? MetricsReader::Labels::const_iterator() : build.front().labels.find(name);
    return build.empty() || at == build.front().labels.end() ? std::string() : at->second;
  };
  const std::string version = label("version");
  const std::string commit = label("commit");
  section.facts["version"] = version;
  section.facts["commit"] = commit;
  section.facts["version_of_this_program"] = build_version();
  section.facts["commit_of_this_program"] = build_commit();
  section.facts["compiler_of_this_program"] = build_compiler();
  const auto started = static_cast<std::int64_t>(exam.number("process_start_time_seconds"));
  section.facts["started_at"] = started;
  section.facts["running_s"] = to_unix_seconds(SystemClock().now()) - started;
  if (version != build_version() || commit != build_commit()) {
    section.troubles.push_back({"The server runs another build than the program that is installed.",
                                "Restart it, so that it runs what is installed: systemctl restart vodlift"});
  }
  return section;
}

DoctorSection readiness_section(ServerExam& exam) {
  DoctorSection section{.name = "readiness"};
  const auto page = exam.page("/readyz");
  if (!page) {
    section.unreadable(page.error());
    return section;
  }
  boost::system::error_code error;
  const value answer = boost::json::parse(page->body, error);
  const bool ready = !error && page->is_success() && cell(answer, "ready") == "yes";
  array reasons;
  if (!error) reasons = array_in(answer, "reasons");
  section.facts["accepts_uploads"] = ready;
  for (const value& one : reasons) {
    if (!one.is_string()) continue;
    section.troubles.push_back({fmt::format("New uploads are refused: {}.", std::string_view(one.get_string())),
                                "See the database's disk and the server's log (journalctl -u vodlift)"});
  }
  if (!ready && section.troubles.empty()) {
    section.unreadable({Errc::internal, fmt::format("/readyz was answered {}", page->status)});
  }
  return section;
}

DoctorSection attention_section(ServerExam& exam) {
  DoctorSection section{.name = "attention"};
  if (!exam.has_overview(section)) return section;
  section.facts["sentence"] = text_at(exam.overview(), "sentence");
  section.facts["things"] = static_cast<std::int64_t>(array_in(exam.overview(), "attention").size());
  exam.take_needs(section, {});
  return section;
}

DoctorSection queue_section(ServerExam& exam) {
  DoctorSection section{.name = "queue"};
  if (!exam.has_overview(section)) return section;
  const std::int64_t oldest = integer_at(exam.overview(), "oldest");
  section.facts["oldest_queued_s"] =
      oldest == 0 ? value(nullptr) : value(std::max<std::int64_t>(exam.now() - oldest, 0));
  section.list("uploads", picked_of_all(array_in(exam.overview(), "counts"),
                                        {{"state", "state"}, {"uploads", "uploads"}, {"bytes", "size_bytes"}}));
  array ready;
  for (const value& one : array_in(exam.overview(), "queue")) {
    object row = picked(one, {{"priority", "priority"}, {"uploads", "ready"}, {"bytes", "size_bytes"}});
    row["longest_wait_s"] = std::max<std::int64_t>(exam.now() - integer_at(one, "oldest"), 0);
    ready.push_back(std::move(row));
  }
  section.list("ready", std::move(ready));
  exam.take_needs(section, {"server"});
  return section;
}

// Failures are customers' as often as the server's: they are shown, and no trouble by themselves.
DoctorSection today_section(ServerExam& exam) {
  DoctorSection section{.name = "last_24_hours"};
  object fields{{"resolution", "hour"}, {"since", std::max<std::int64_t>(exam.now() - kDay, 0)}};
  const auto hours = exam.items({"GET", "/statistics", std::move(fields)}, section);
  if (!hours) return section;
  for (const char* name : {"completed", "failed", "cancelled", "bytes_sent"}) {
    std::int64_t sum = 0;
    for (const value& one : *hours) sum += integer_at(one, name);
    section.facts[std::string_view(name) == "bytes_sent" ? "sent_bytes" : name] = sum;
  }
  section.list("failed_by_error",
               picked_of_all(array_in(exam.overview(), "errors"), {{"code", "error"}, {"uploads", "failed"}}));
  return section;
}

// The bound of the histogram within which 99 of 100 commits ended; null: there is none.
value time_of_most_commits(const ServerExam& exam, std::int64_t commits) {
  for (const auto& bucket : exam.metrics().all("vodlift_store_commit_duration_seconds_bucket")) {
    const auto bound = bucket.labels.find("le");
    if (commits == 0 || bound == bucket.labels.end() || bound->second == "+Inf") return nullptr;
    if (bucket.value >= 0.99 * static_cast<double>(commits)) return std::atof(bound->second.c_str()) * 1000;
  }
  return nullptr;
}

DoctorSection database_section(ServerExam& exam) {
  DoctorSection section{.name = "database"};
  exam.take_needs(section, {"database", "disk"});
  if (!exam.has_metrics(section)) return section;
  section.facts["free_bytes"] = exam.metric("vodlift_store_free_bytes");
  section.facts["log_bytes"] = exam.metric("vodlift_store_log_bytes");
  section.facts["waiting_changes"] = exam.metric("vodlift_store_waiting_changes");
  section.facts["damaged"] = exam.metric("vodlift_store_damaged");
  section.facts["failed_commits"] = exam.metric("vodlift_store_failed_commits_total");
  const auto commits = static_cast<std::int64_t>(exam.number("vodlift_store_commit_duration_seconds_count"));
  const double mean = exam.number("vodlift_store_commit_duration_seconds_sum") /
                      static_cast<double>(std::max<std::int64_t>(commits, 1));
  section.facts["commits"] = commits;
  section.facts["mean_commit_ms"] = mean * 1000;
  section.facts["99_of_100_commits_within_ms"] = time_of_most_commits(exam, commits);
  if (commits >= kFewCommits && mean > kSlowCommitS) {
    section.troubles.push_back(
        {fmt::format("A commit of the database takes {:.0f} ms on average: its disk is slow.", mean * 1000),
         "See what else uses that disk (iostat -x), or move the database to a faster local one."});
  }
  return section;
}

DoctorSection process_section(ServerExam& exam) {
  DoctorSection section{.name = "process"};
  if (!exam.has_metrics(section)) return section;
  section.facts["memory_bytes"] = exam.metric("process_resident_memory_bytes");
  section.facts["virtual_memory_bytes"] = exam.metric("process_virtual_memory_bytes");
  section.facts["processor_time_s"] = exam.metric("process_cpu_seconds_total");
  section.facts["threads"] = exam.metric("process_threads");
  section.facts["open_files"] = exam.metric("process_open_fds");
  section.facts["open_files_limit"] = exam.metric("process_max_fds");
  if (exam.number("process_open_fds") > kNearlyUsedUp * exam.number("process_max_fds")) {
    section.troubles.push_back({fmt::format("The server has {:.0f} of {:.0f} descriptors open.",
                                            exam.number("process_open_fds"), exam.number("process_max_fds")),
                                "Raise LimitNOFILE= of the service (systemctl edit vodlift), and restart it."});
  }
  array listeners;
  for (const auto& one : exam.metrics().all("vodlift_http_connections")) {
    const double limit = exam.number("vodlift_http_connections_limit", one.labels);
    const auto name = one.labels.find("listener");
    listeners.push_back(object{{"listener", name == one.labels.end() ? "" : name->second},
                               {"connections", number_value(one.value)},
                               {"limit", number_value(limit)},
                               {"memory_bytes", exam.metric("vodlift_http_memory_bytes", one.labels)},
                               {"memory_limit_bytes", exam.metric("vodlift_http_memory_limit_bytes", one.labels)}});
    if (limit > 0 && one.value > kNearlyUsedUp * limit) {
      section.troubles.push_back({fmt::format("{:.0f} of {:.0f} connections are open.", one.value, limit),
                                  "See who holds them (ss -t), and [server] connections in docs/configuration.md."});
    }
  }
  section.list("listeners", std::move(listeners));
  return section;
}

DoctorSection slots_section(ServerExam& exam) {
  DoctorSection section{.name = "upload_slots"};
  if (!exam.has_metrics(section)) return section;
  array kinds;
  for (const auto& one : exam.metrics().all("vodlift_upload_slots")) {
    const auto kind = one.labels.find("kind");
    kinds.push_back(object{{"kind", kind == one.labels.end() ? "" : kind->second},
                           {"occupied", exam.metric("vodlift_upload_slots_occupied", one.labels)},
                           {"slots", number_value(one.value)}});
  }
  section.facts["claimed_ahead"] = exam.metric("vodlift_uploads_claimed_ahead");
  section.list("slots", std::move(kinds));
  return section;
}

DoctorSection clocks_section(ServerExam& exam) {
  DoctorSection section{.name = "clocks"};
  exam.take_needs(section, {"clock"});
  if (!exam.has_metrics(section)) return section;
  const bool is_told = !section.troubles.empty();
  array endpoints;
  for (const auto& one : exam.metrics().all("vodlift_endpoint_clock_offset_seconds")) {
    const auto endpoint = one.labels.find("endpoint");
    const std::string name = endpoint == one.labels.end() ? "" : endpoint->second;
    endpoints.push_back(object{{"endpoint", name}, {"ahead_of_us_by_seconds", number_value(one.value)}});
    if (is_told || std::abs(one.value) <= kWrongClockS) continue;
    section.troubles.push_back(
        {fmt::format("The clock of {} is {:.0f} s off this machine's.", name, std::abs(one.value)),
         "Set this machine's clock right (timedatectl, chrony)."});
  }
  section.list("endpoints", std::move(endpoints));
  return section;
}

}  // namespace

std::vector<DoctorSection> examine_server(Session& session) {
  ServerExam exam(session);
  std::vector<DoctorSection> sections = {server_section(exam), readiness_section(exam), queue_section(exam),
                                         today_section(exam),  database_section(exam),  process_section(exam),
                                         slots_section(exam),  clocks_section(exam)};
  std::vector<DoctorSection> more = examine_surroundings(exam);
  sections.insert(sections.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  // What no section has taken.
  sections.insert(sections.begin() + 2, attention_section(exam));
  return sections;
}

}  // namespace vodlift::cli
