#include "cli/pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::value;

constexpr int kMostOfOneCall = 100;
constexpr int kMostCalls = 50;  // of a search that finds little

}  // namespace

Result<value> read_pages(Session& session, Call call, int limit) {
  boost::json::array items;
  boost::json::object page;
  int found_little = 0;
  while (true) {
    call.fields["limit"] = std::min(limit - static_cast<int>(items.size()), kMostOfOneCall);
    auto answer = session.call(call);
    if (!answer) return answer.error();
    page = std::move(answer->as_object());
    boost::json::array& more = page.at("items").as_array();
    // A full page is progress towards the limit; only those that are not could go on for long.
    if (std::ssize(more) < call.fields.at("limit").as_int64()) ++found_little;
    for (value& one : more) items.push_back(std::move(one));
    const value& next = page.at("next");
    if (next.is_null() || std::ssize(items) >= limit || found_little == kMostCalls) break;
    call.fields["cursor"] = next;
  }
  page["items"] = std::move(items);
  return value(std::move(page));
}

std::string rest_of(const value& page) {
  const std::string next = text_at(page, "next");
  if (next.empty()) return {};
  const std::int64_t searched_to = integer_at(page, "searched_to");
  const std::string how_far =
      searched_to == 0 ? "There are more" : fmt::format("Searched back to {}", human_time(searched_to));
  return fmt::format("{}; go on with: --cursor {}\n", how_far, next);
}

}  // namespace vodlift::cli
