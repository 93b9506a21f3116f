#include "core/alert_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <exception>
#include <iterator>

namespace vodlift {
namespace {

using std::chrono::milliseconds;

std::string saved_text(const boost::json::value& object, std::string_view name) {
  return std::string(std::string_view(object.at(name).as_string()));
}

std::string counted(int number, std::string_view what) {
  return number == 0 ? std::string() : fmt::format("{} {}", number, what);
}

// "9 new, 3 resolved"
std::string sum_of(const std::map<AlertState, int>& counts) {
  std::string text;
  for (const auto& [state, word] : {std::pair(AlertState::first, "new"), std::pair(AlertState::repeated, "that last"),
                                    std::pair(AlertState::resolved, "resolved")}) {
    const auto at = counts.find(state);
    const std::string one = at == counts.end() ? std::string() : counted(at->second, word);
    if (!one.empty()) text += (text.empty() ? "" : ", ") + one;
  }
  return text;
}

}  // namespace

std::vector<AlertMessage> AlertBook::look(std::span<const AlertCause> causes, bool complete, SteadyTime now,
                                          WallTime wall) {
  for (const AlertCause& one : causes) saw(one, now, wall);
  std::vector<AlertMessage> messages;
  const auto is_there = [&](const std::string& key) {
    return std::ranges::find(causes, key, &AlertCause::key) != causes.end();
  };
  for (auto at = entries_.begin(); at != entries_.end();) {
    Entry& entry = at->second;
    const bool known = complete && (!entry.restored || now >= trust_absence_);
    if (entry.there && known && !is_there(at->first)) {
      entry.there = false;
      entry.changed = now;
    }
    if (const auto state = due(entry, now)) {
      // One place is kept for what stands for the others.
      if (messages_in_hour(now) + 1 < kMostAnHour) {
        messages_.push_back(now);
        messages.push_back({.state = *state, .cause = entry.cause, .at = wall});
      } else {
        hold_back(*state, now);
      }
    }
    const bool forgotten = !entry.told && !entry.there && (!entry.resolved || now - *entry.resolved >= kHour);
    at = forgotten ? entries_.erase(at) : std::next(at);
  }
  // The gravest first, as they may be many.
  std::ranges::stable_sort(messages, {}, [](const AlertMessage& one) { return one.cause.severity != "critical"; });
  if (auto more = told_of_more(now)) {
    more->at = wall;
    messages.push_back(std::move(*more));
  }
  return messages;
}

void AlertBook::saw(const AlertCause& cause, SteadyTime now, WallTime wall) {
  auto at = entries_.find(cause.key);
  if (at == entries_.end()) {
    if (entries_.size() >= kMostAlerts) return;
    at = entries_.emplace(cause.key, Entry{}).first;
  }
  Entry& entry = at->second;
  entry.cause = cause;
  entry.restored = false;
  if (entry.there) return;
  entry.there = true;
  entry.changed = now;
  if (!entry.told) entry.opened = wall;
}

// Takes down what is told then.
std::optional<AlertState> AlertBook::due(Entry& entry, SteadyTime now) const {
  const auto lasts = now - entry.changed;
  if (entry.there && !entry.told && lasts >= kSettle) {
    entry.told = true;
    entry.last_told = now;
    return AlertState::first;
  }
  if (entry.there && entry.told && now - entry.last_told >= repeat_) {
    entry.last_told = now;
    return AlertState::repeated;
  }
  if (!entry.there && entry.told && lasts >= kGone && (!entry.resolved || now - *entry.resolved >= kHour)) {
    entry.told = false;
    entry.resolved = now;
    return AlertState::resolved;
  }
  return std::nullopt;
}

void AlertBook::hold_back(AlertState state, SteadyTime now) {
  if (held_back_.empty()) held_since_ = now;
  ++held_back_[state];
}

std::optional<AlertMessage> AlertBook::told_of_more(SteadyTime now) {
  if (held_back_.empty() || now - held_since_ < kGather || messages_in_hour(now) >= kMostAnHour) return std::nullopt;
  int sum = 0;
  for (const auto& [state, number] : held_back_) sum += number;
  AlertMessage message{.state = AlertState::more};
  message.cause.key = "more";
  message.cause.code = "more";
  message.cause.severity = "warning";
  message.cause.title = fmt::format("And {} more: {}.", sum, sum_of(held_back_));
  message.cause.detail =
      fmt::format("{} alerts are open. At most {} messages are sent in an hour.",
                  std::ranges::count_if(entries_, [](const auto& one) { return one.second.told; }), kMostAnHour);
  message.cause.fix = "See which are open: vodlift alerts";
  held_back_.clear();
  messages_.push_back(now);
  return message;
}

std::size_t AlertBook::messages_in_hour(SteadyTime now) {
  while (!messages_.empty() && now - messages_.front() >= kHour) messages_.pop_front();
  return messages_.size();
}

std::vector<OpenAlert> AlertBook::open() const {
  std::vector<OpenAlert> open;
  for (const auto& [key, entry] : entries_) {
    if (entry.told || entry.there) open.push_back({entry.cause, entry.opened, entry.told});
  }
  std::ranges::stable_sort(open, {}, [](const OpenAlert& one) { return one.cause.severity != "critical"; });
  return open;
}

std::string AlertBook::save(SteadyTime now, WallTime wall) const {
  boost::json::array saved;
  for (const auto& [key, entry] : entries_) {
    if (!entry.told) continue;
    saved.push_back(
        boost::json::object{{"key", key},
                            {"code", entry.cause.code},
                            {"severity", entry.cause.severity},
                            {"title", entry.cause.title},
                            {"detail", entry.cause.detail},
                            {"fix", entry.cause.fix},
                            {"opened_ms", to_unix_ms(entry.opened)},
                            {"told_ms", to_unix_ms(wall - std::chrono::floor<milliseconds>(now - entry.last_told))}});
  }
  return boost::json::serialize(saved);
}

void AlertBook::restore(std::string_view saved, SteadyTime now, WallTime wall) try {
  trust_absence_ = now + kAfterStart;
  const boost::json::value list = boost::json::parse({saved.data(), saved.size()});
  for (const boost::json::value& one : list.as_array()) {
    if (entries_.size() >= kMostAlerts) return;
    Entry entry;
    entry.cause.key = saved_text(one, "key");
    entry.cause.code = saved_text(one, "code");
    entry.cause.severity = saved_text(one, "severity");
    entry.cause.title = saved_text(one, "title");
    entry.cause.detail = saved_text(one, "detail");
    entry.cause.fix = saved_text(one, "fix");
    entry.opened = from_unix_ms(one.at("opened_ms").as_int64());
    // With a clock that was set, the times may be anything.
    const milliseconds ago = wall - from_unix_ms(one.at("told_ms").as_int64());
    entry.last_told = now - std::clamp(ago, milliseconds(0), milliseconds(repeat_));
    entry.there = entry.told = entry.restored = true;
    entry.changed = now;
    const std::string key = entry.cause.key;
    entries_.emplace(key, std::move(entry));
  }
} catch (const std::exception&) {
  entries_.clear();
}

}  // namespace vodlift
