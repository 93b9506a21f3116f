#include "cli/doctor_exam.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/clock.h"
#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

}  // namespace

ServerExam::ServerExam(Session& session)
    : session_(session),
      metrics_error_{Errc::internal,
                     "/metrics cannot be read; is this the socket of a vodlift daemon of this version?"},
      now_(to_unix_seconds(SystemClock().now())) {
  const auto metrics = page("/metrics");
  if (!metrics) metrics_error_ = metrics.error();
  if (metrics && metrics->is_success()) metrics_ = MetricsReader(metrics->body);
  auto overview = ask({"GET", "/overview"});
  if (!overview) {
    overview_error_ = overview.error();
    return;
  }
  overview_ = std::move(*overview);
  if (const std::int64_t at = integer_at(overview_, "at"); at != 0) now_ = at;
  needs_ = array_in(overview_, "attention");
}

template <class Answer>
Result<Answer> ServerExam::kept(Result<Answer> answer) {
  if (!answer && (answer.error().code == Errc::timeout || answer.error().code == Errc::network)) lost_ = answer.error();
  return answer;
}

Result<value> ServerExam::ask(const Call& call) {
  if (lost_) return *lost_;
  return kept(session_.call(call));
}

Result<net::HttpResponse> ServerExam::page(const std::string& path) {
  if (lost_) return *lost_;
  return kept(session_.get(path));
}

std::optional<array> ServerExam::items(const Call& call, DoctorSection& section) {
  const auto answer = ask(call);
  if (answer) return array_in(*answer, "items");
  section.unreadable(answer.error());
  return std::nullopt;
}

bool ServerExam::has_metrics(DoctorSection& section) const {
  if (!metrics_.empty()) return true;
  section.unreadable(metrics_error_);
  return false;
}

bool ServerExam::has_overview(DoctorSection& section) const {
  if (!overview_error_) return true;
  section.unreadable(*overview_error_);
  return false;
}

value ServerExam::metric(std::string_view name, const MetricsReader::Labels& labels) const {
  return number_value(metrics_.value(name, labels));
}

double ServerExam::number(std::string_view name, const MetricsReader::Labels& labels) const {
  return metrics_.value(name, labels).value_or(0);
}

void ServerExam::take_needs(DoctorSection& section, std::initializer_list<std::string_view> kinds) {
  array left;
  for (const value& need : needs_) {
    const std::string kind = text_at(need, "kind");
    const bool is_ours = kinds.size() == 0 || std::ranges::find(kinds, kind) != kinds.end();
    if (!is_ours) {
      left.push_back(need);
      continue;
    }
    std::string what = fmt::format("{} {}", text_at(need, "title"), text_at(need, "detail"));
    if (const std::int64_t waiting = integer_at(need, "affected"); waiting > 0) {
      what += fmt::format(" {}{} waiting.", waiting, cell(need, "at_least") == "yes" ? " or more" : "");
    }
    if (const std::int64_t since = integer_at(need, "since"); since > 0) {
      what += fmt::format(" Since {}.", human_time(since));
    }
    section.troubles.push_back({std::move(what), text_at(need, "fix")});
  }
  needs_ = std::move(left);
}

value number_value(const std::optional<double>& number) {
  if (!number) return nullptr;
  if (*number == std::floor(*number) && std::abs(*number) < 1e15) return static_cast<std::int64_t>(*number);
  return *number;
}

// Of each item: these members, and null where it has none.
object picked(const value& item, std::initializer_list<Column> columns) {
  object some;
  for (const Column& one : columns) {
    const value* member = item.is_object() ? item.get_object().if_contains(one.from) : nullptr;
    const bool is_plain = member != nullptr && !member->is_object() && !member->is_array();
    some[one.name] = is_plain ? *member : value(nullptr);
  }
  return some;
}
array picked_of_all(const array& items, std::initializer_list<Column> columns) {
  array some;
  for (const value& one : items) some.push_back(picked(one, columns));
  return some;
}

array array_in(const value& answer, std::string_view name) {
  const value* member = answer.is_object() ? answer.get_object().if_contains(name) : nullptr;
  return member != nullptr && member->is_array() ? member->get_array() : array();
}

}  // namespace vodlift::cli
