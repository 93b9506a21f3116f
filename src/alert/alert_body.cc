#include "alert/alert_body.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <ctime>

#include "base/encoding.h"
#include "base/text.h"

namespace vodlift::alert {
namespace {

using boost::json::array;
using boost::json::object;

constexpr std::string_view kOpen = "{{";
constexpr std::string_view kClose = "}}";

std::string to_upper(std::string_view text) {
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(),
                         [](char c) { return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c; });
  return upper;
}

// Whole characters of UTF-8, `most` bytes at most.
std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + "…";
}

// What Slack reads as markup, and so as a call of everybody.
std::string without_markup(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    if (c == '&') {
      plain += "&amp;";
    } else if (c == '<') {
      plain += "&lt;";
    } else if (c == '>') {
      plain += "&gt;";
    } else {
      plain += c;
    }
  }
  return plain;
}

std::string label_of(const AlertMessage& message) {
  switch (message.state) {
    case AlertState::first:
      return to_upper(message.cause.severity);
    case AlertState::repeated:
      return to_upper(message.cause.severity) + ", STILL";
    default:
      return to_upper(kAlertStates.word(message.state));
  }
}

object json_of(const AlertMessage& message, std::string_view server) {
  const AlertCause& cause = message.cause;
  object json{{"id", message.id},
              {"state", kAlertStates.word(message.state)},
              {"action", action_of(message.state)},
              {"key", cause.key},
              {"code", cause.code},
              {"severity", cause.severity},
              {"title", cause.title},
              {"detail", cause.detail},
              {"fix", cause.fix},
              {"text", text_of(message, server)},
              {"server", server},
              {"at", to_unix_seconds(message.at)}};
  json["since"] = cause.since ? boost::json::value(to_unix_seconds(*cause.since)) : boost::json::value(nullptr);
  json["affected"] = cause.affected ? boost::json::value(*cause.affected) : boost::json::value(nullptr);
  if (cause.cdn != 0) json["cdn"] = cause.cdn;
  if (!cause.bucket.empty()) json["bucket"] = cause.bucket;
  if (!cause.storage.empty()) json["storage"] = cause.storage;
  if (!cause.receiver.empty()) json["receiver"] = cause.receiver;
  if (!message.figures.empty()) json["digest"] = message.figures;
  return json;
}

// Each placeholder, and the text that replaces it.
struct Placeholder {
  std::string_view name;
  std::string (*value)(const AlertMessage& message, std::string_view server);
};
constexpr std::array kPlaceholders = {
    Placeholder{"state",
                [](const AlertMessage& m, std::string_view) { return std::string(kAlertStates.word(m.state)); }},
    Placeholder{"action", [](const AlertMessage& m, std::string_view) { return std::string(action_of(m.state)); }},
    Placeholder{"key", [](const AlertMessage& m, std::string_view) { return m.cause.key; }},
    Placeholder{"code", [](const AlertMessage& m, std::string_view) { return m.cause.code; }},
    Placeholder{"severity", [](const AlertMessage& m, std::string_view) { return m.cause.severity; }},
    Placeholder{"title", [](const AlertMessage& m, std::string_view) { return m.cause.title; }},
    Placeholder{"detail", [](const AlertMessage& m, std::string_view) { return m.cause.detail; }},
    Placeholder{"fix", [](const AlertMessage& m, std::string_view) { return m.cause.fix; }},
    Placeholder{"text", [](const AlertMessage& m, std::string_view server) { return text_of(m, server); }},
    Placeholder{"server", [](const AlertMessage&, std::string_view server) { return std::string(server); }},
    Placeholder{"at", [](const AlertMessage& m, std::string_view) { return std::to_string(to_unix_seconds(m.at)); }},
    Placeholder{"since",
                [](const AlertMessage& m, std::string_view) {
                  return std::to_string(to_unix_seconds(m.cause.since.value_or(m.at)));
                }},
    Placeholder{"affected",
                [](const AlertMessage& m, std::string_view) { return std::to_string(m.cause.affected.value_or(0)); }},
};

std::string names_of_placeholders() {
  std::string names;
  for (const Placeholder& one : kPlaceholders)
    names += fmt::format("{}{{{{{}}}}}", names.empty() ? "" : ", ", one.name);
  return names;
}

// `text` as it stands within a JSON string.
std::string escaped(std::string_view text) {
  const std::string quoted = json_string(text);
  return quoted.substr(1, quoted.size() - 2);
}

// Errors: invalid_value (an unknown placeholder).
Result<std::string> fill_in(std::string_view text, const AlertMessage& message, std::string_view server) {
  std::string filled;
  for (;;) {
    const std::size_t begin = text.find(kOpen);
    filled += text.substr(0, begin);
    if (begin == std::string_view::npos) return filled;
    text.remove_prefix(begin + kOpen.size());
    const std::size_t end = text.find(kClose);
    const auto known = std::ranges::find(kPlaceholders, text.substr(0, end), &Placeholder::name);
    if (end == std::string_view::npos || known == kPlaceholders.end()) {
      return Error{Errc::invalid_value, fmt::format("{{{{{}: unknown placeholder; they are {}",
                                                    printable(text.substr(0, end), 40), names_of_placeholders())};
    }
    filled += escaped(known->value(message, server));
    text.remove_prefix(end + kClose.size());
  }
}

bool is_template(std::string_view body) { return body.find('{') != std::string_view::npos; }

std::string teams_body(const std::string& text) {
  // Markdown shows a single line break as a space.
  std::string lines;
  for (const char c : text) lines += c == '\n' ? std::string("\n\n") : std::string(1, c);
  const object block{{"type", "TextBlock"}, {"text", lines}, {"wrap", true}};
  const object card{{"$schema", "http://adaptivecards.io/schemas/adaptive-card.json"},
                    {"type", "AdaptiveCard"},
                    {"version", "1.4"},
                    {"body", array{block}}};
  return boost::json::serialize(object{
      {"type", "message"},
      {"attachments", array{object{{"contentType", "application/vnd.microsoft.card.adaptive"}, {"content", card}}}}});
}

}  // namespace

std::string_view action_of(AlertState state) {
  return state == AlertState::resolved || state == AlertState::digest ? "resolve" : "trigger";
}

std::string text_of(const AlertMessage& message, std::string_view server) {
  const AlertCause& cause = message.cause;
  std::string text = fmt::format("[{}] {}: {}", label_of(message), server, cause.title);
  // A resolved alert needs no advice any more.
  if (message.state == AlertState::resolved) return cut(std::move(text), kMaxTextBytes);
  if (!cause.detail.empty()) text += "\n" + cause.detail;
  if (cause.affected.value_or(0) > 0) text += fmt::format("\nWaiting for it: {}", *cause.affected);
  if (cause.since) {
    text += fmt::format("\nSince: {:%Y-%m-%d %H:%M:%S} UTC",
                        fmt::gmtime(static_cast<std::time_t>(to_unix_seconds(*cause.since))));
  }
  if (!cause.fix.empty()) text += "\nWhat to do: " + cause.fix;
  return cut(std::move(text), kMaxTextBytes);
}

Result<> check_body(std::string_view body) {
  constexpr std::array<std::string_view, 4> kKinds = {"json", "slack", "teams", "discord"};
  if (std::ranges::find(kKinds, body) != kKinds.end()) return {};
  if (!is_template(body)) {
    return Error{Errc::invalid_value, fmt::format("expected {}, or a template in JSON, found \"{}\"",
                                                  fmt::join(kKinds, ", "), printable(body, 80))};
  }
  if (body.size() > kMaxTemplateBytes) {
    return Error{Errc::invalid_value, fmt::format("a template has {} bytes at most", kMaxTemplateBytes)};
  }
  // What must be escaped in a string, and is no JSON outside of one.
  const std::string odd = "\"\\ \n";
  AlertMessage sample;
  sample.cause = {.key = odd, .code = odd, .severity = odd, .title = odd, .detail = odd, .fix = odd};
  const auto filled = fill_in(body, sample, odd);
  if (!filled) return filled.error();
  boost::json::error_code fault;
  boost::json::parse({filled->data(), filled->size()}, fault);
  if (fault) {
    return Error{Errc::invalid_value,
                 fmt::format("the template is no JSON once it is filled in: {}; placeholders for texts stand within "
                             "quotes",
                             fault.message())};
  }
  return {};
}

std::string body_of(std::string_view body, const AlertMessage& message, std::string_view server) {
  if (body == "slack") return boost::json::serialize(object{{"text", without_markup(text_of(message, server))}});
  if (body == "teams") return teams_body(text_of(message, server));
  if (body == "discord") {
    return boost::json::serialize(
        object{{"content", text_of(message, server)}, {"allowed_mentions", object{{"parse", array{}}}}});
  }
  if (is_template(body)) {
    auto filled = fill_in(body, message, server);
    return filled ? std::move(*filled) : std::string();
  }
  return boost::json::serialize(json_of(message, server));
}

}  // namespace vodlift::alert
