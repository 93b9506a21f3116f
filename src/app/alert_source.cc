#include "app/alert_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <iterator>
#include <map>

#include "app/process.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "core/webhook_signature.h"
#include "rest/attention.h"

namespace vodlift::app {
namespace {

using boost::json::array;
using boost::json::object;

constexpr std::int64_t kMiB = std::int64_t{1024} * 1024;
constexpr std::size_t kMaxSecretFileBytes = 4096;
constexpr std::size_t kMarkDigits = 12;

Result<Secret> webhook_secret(const std::filesystem::path& file) {
  if (file.empty()) return Secret();
  const auto text = read_small_file(file, kMaxSecretFileBytes);
  if (!text) return text.error();
  Secret secret{std::string(trimmed(*text, " \t\r\n"))};
  if (const auto tried = sign_webhook(secret, "id", 0, ""); !tried) return tried.error();
  return secret;
}

AlertCause cause_of(const rest::Need& need) {
  AlertCause cause;
  cause.key = fmt::format("{}-{}", need.code, to_hex(sha256(bytes_of(need.mark))).substr(0, kMarkDigits));
  cause.code = need.code;
  cause.severity = need.severity;
  cause.title = need.title;
  cause.detail = need.detail;
  cause.fix = need.operator_fix;
  cause.since = need.since;
  cause.affected = need.affected;
  cause.cdn = need.cdn;
  cause.bucket = printable(need.bucket);
  cause.storage = printable(need.storage);
  cause.receiver = printable(need.receiver);
  return cause;
}

AlertCause store_unreadable(const Error& error) {
  AlertCause cause;
  cause.key = cause.code = "store_unreadable";
  cause.severity = "critical";
  cause.title = "The database cannot be read.";
  cause.detail = printable(error.message);
  cause.fix = "See the log, the disk of the database and its mount.";
  return cause;
}

// "1.2 GiB"
std::string bytes_text(std::int64_t bytes) {
  constexpr std::array<std::string_view, 6> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto number = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; number >= 1024 && unit + 1 < kUnits.size(); ++unit) number /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", number, kUnits.at(unit));
}

}  // namespace

Result<alert::Options> alert_options(const Config& config) {
  const Config::Alerts& alerts = config.alerts;
  alert::Options options;
  options.webhooks = alerts.webhooks;
  auto secret = webhook_secret(alerts.webhook_secret_file);
  if (!secret) return with_context("[alerts] webhook_secret_file", secret.error());
  options.webhook_secret = std::move(*secret);
  options.body = alerts.body;
  options.command = alerts.command;
  options.command_limit = alerts.command_limit;
  options.repeat = alerts.repeat;
  options.thresholds = {alerts.queue_age, alerts.disk_free_mib * kMiB};
  options.digest_minute = alerts.digest_minute;
  const auto zone = TimeZone::find(alerts.time_zone);
  if (!zone) return with_context("[alerts] time_zone", zone.error());
  options.time_zone = *zone;
  options.server = host_name();
  return options;
}

alert::Findings find_alerts(const rest::Context& context, const alert::Thresholds& thresholds) {
  constexpr std::array<rest::NeedView, 1> kWholeServer = {};
  const auto found = rest::find_needs(context, kWholeServer, {thresholds.queue_age, thresholds.disk_free_bytes});
  if (!found) return {{store_unreadable(found.error())}, false};
  const std::vector<rest::Need>& needs = found->front();
  alert::Findings findings;
  std::ranges::transform(needs, std::back_inserter(findings.causes), cause_of);
  findings.complete = needs.size() < rest::kMostNeeds;
  return findings;
}

alert::Day last_day(const rest::Context& context) {
  const WallTime since = context.clock.now() - std::chrono::hours(24);
  const auto slots = context.statistics.series({kAllAccounts, Resolution::hour, since});
  if (!slots) return {.title = "The last 24 hours.", .detail = "The statistics cannot be read."};
  StatisticsSlot sum;
  std::map<Errc, std::int64_t> failed;
  for (const StatisticsSlot& slot : *slots) {
    sum.bytes_sent += slot.bytes_sent;
    sum.completed += slot.completed;
    sum.failed += slot.failed;
    sum.cancelled += slot.cancelled;
    for (const auto& [code, sums] : slot.errors) failed[code] += sums.failed;
  }
  alert::Day day;
  day.title = fmt::format("The last 24 hours: {} uploads completed, {} failed, {} cancelled; {} sent.", sum.completed,
                          sum.failed, sum.cancelled, bytes_text(sum.bytes_sent));
  array errors;
  for (const auto& [code, uploads] : failed) {
    if (uploads == 0) continue;
    errors.push_back(object{{"code", info(code).name}, {"uploads", uploads}});
    day.detail += fmt::format("{}{}: {}", day.detail.empty() ? "Failed by cause: " : ", ", info(code).name, uploads);
  }
  day.figures = {{"completed", sum.completed},
                 {"failed", sum.failed},
                 {"cancelled", sum.cancelled},
                 {"bytes", sum.bytes_sent},
                 {"errors", std::move(errors)}};
  return day;
}

AlertCause clock_stepped(std::chrono::milliseconds step, WallTime now) {
  AlertCause cause;
  cause.key = cause.code = "clock_stepped";
  cause.severity = "warning";
  cause.title =
      fmt::format("The clock of this machine was set by {} s.", std::chrono::round<std::chrono::seconds>(step).count());
  cause.detail = "Requests are judged by its new time; those whose timestamp is too far from it are refused.";
  cause.fix = "See that the clock is right (NTP): timedatectl";
  cause.since = now;
  return cause;
}

}  // namespace vodlift::app
