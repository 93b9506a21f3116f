#include "app/config_alerts.h"

#include <fmt/format.h>

#include "alert/alert_body.h"
#include "base/encoding.h"
#include "base/text.h"
#include "base/time_zone.h"
#include "core/callback_url.h"

namespace vodlift::app {
namespace {

constexpr std::size_t kMostWebhooks = 4;
constexpr std::size_t kMostCommandWords = 32;
constexpr std::size_t kMostWordBytes = 4096;

// "07:30": minutes of the day.
std::optional<int> minute_of_day(std::string_view text) {
  const std::size_t colon = 2;
  if (text.size() != 5 || text[colon] != ':') return std::nullopt;
  const std::string_view hours = text.substr(0, colon);
  const std::string_view minutes = text.substr(colon + 1);
  if (!is_number(hours) || !is_number(minutes)) return std::nullopt;
  const int hour = (hours[0] - '0') * 10 + (hours[1] - '0');
  const int minute = (minutes[0] - '0') * 10 + (minutes[1] - '0');
  return hour < 24 && minute < 60 ? std::optional(hour * 60 + minute) : std::nullopt;
}

// No message has the URL: its path is a secret of some services.
void read_webhooks(ConfigSection& section, Config::Alerts& alerts) {
  const auto items = section.one_or_more_texts("webhook");
  if (items.size() > kMostWebhooks) section.fault("webhook", fmt::format("{} at most", kMostWebhooks));
  for (const ConfigSection::Item& item : items) {
    const auto parsed = parse_callback_url(item.text);
    if (parsed && (item.text.starts_with("https://") || item.text.starts_with("http://"))) {
      alerts.webhooks.push_back(parsed->url);
    } else {
      section.fault("webhook",
                    "expected a URL such as \"https://hooks.example.com/alerts\": https:// or http://, a host, no user "
                    "name, printable ASCII, 2048 bytes at most");
    }
  }
}

void read_command(ConfigSection& section, Config::Alerts& alerts) {
  for (const ConfigSection::Item& item : section.texts("command")) {
    if (item.text.size() > kMostWordBytes || item.text.find('\0') != std::string::npos) {
      return section.fault("command", fmt::format("a word has {} bytes at most, and no NUL character", kMostWordBytes));
    }
    alerts.command.push_back(item.text);
  }
  if (alerts.command.size() > kMostCommandWords)
    section.fault("command", fmt::format("{} words at most", kMostCommandWords));
  if (!alerts.command.empty() && !alerts.command.front().starts_with('/')) {
    section.fault("command", fmt::format("expected the program with its whole path, and then its arguments, such as "
                                         "[\"/usr/local/bin/page-me\", \"--team\", \"video\"], found \"{}\"",
                                         printable(alerts.command.front(), 80)));
  }
  if (const auto seconds = section.integer("command_s", 1, 40)) {
    alerts.command_limit = std::chrono::seconds(*seconds);
  }
}

void read_digest(ConfigSection& section, Config::Alerts& alerts) {
  if (const auto text = section.text("digest")) {
    alerts.digest_minute = minute_of_day(*text);
    if (!alerts.digest_minute) {
      section.fault("digest",
                    fmt::format("expected a time of day such as \"07:00\", found \"{}\"", printable(*text, 80)));
    }
  }
  if (const auto name = section.text("time_zone")) {
    alerts.time_zone = *name;
    if (const auto zone = TimeZone::find(*name); !zone) section.fault("time_zone", zone.error().message);
  }
}

}  // namespace

Config::Alerts read_alerts(ConfigSection& section, const std::filesystem::path& directory) {
  Config::Alerts alerts;
  read_webhooks(section, alerts);
  if (const auto file = section.text("webhook_secret_file"); file && !file->empty()) {
    alerts.webhook_secret_file = (directory / std::filesystem::path(*file)).lexically_normal();
  }
  if (const auto body = section.text("body")) {
    alerts.body = *body;
    if (const auto checked = alert::check_body(*body); !checked) section.fault("body", checked.error().message);
  }
  read_command(section, alerts);
  if (const auto hours = section.integer("repeat_hours", 1, 168)) alerts.repeat = std::chrono::hours(*hours);
  if (const auto seconds = section.integer("queue_age_s", 1, 604800)) alerts.queue_age = std::chrono::seconds(*seconds);
  if (const auto mib = section.integer("disk_free_mib", 1, 1'000'000'000)) alerts.disk_free_mib = *mib;
  read_digest(section, alerts);
  section.refuse_unknown();
  return alerts;
}

}  // namespace vodlift::app
