#include <array>
#include <boost/json/array.hpp>

#include "rest/uploads.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

object errors_json(const std::map<Errc, ErrorSums>& errors) {
  object json;
  for (const auto& [code, sums] : errors) {
    json[info(code).name] = object{{"failed", sums.failed}, {"retried", sums.retried}};
  }
  return json;
}

object slot_json(const StatisticsSlot& slot) {
  return {{"begins", to_unix_seconds(slot.begins)},
          {"bytes_sent", slot.bytes_sent},
          {"completed", slot.completed},
          {"failed", slot.failed},
          {"cancelled", slot.cancelled},
          {"most_queued", slot.most_queued},
          {"longest_wait_s", slot.longest_wait.count()},
          {"errors", errors_json(slot.errors)}};
}

Result<value> show(const Context& context, const Fields& fields) {
  SeriesQuery query;
  query.resolution = kResolutions.value(fields.text("resolution")).value();
  query.since = from_unix_ms(fields.number_if_given("since").value_or(0) * 1000);
  if (const auto cdn = fields.number_if_given("cdn")) {
    if (auto known = known_account(context, *cdn); !known) return known.error();
    query.account = *cdn;
  }
  const auto slots = context.statistics.series(query);
  if (!slots) return slots.error();
  boost::json::array items;
  for (const StatisticsSlot& slot : *slots) items.push_back(slot_json(slot));
  return value(object{{"resolution", fields.text("resolution")},
                      {"slot_s", ring_of(query.resolution).slot.count()},
                      {"items", std::move(items)},
                      {"next", nullptr}});
}

constexpr std::array kFields = {
    kCdnIfGiven,
    FieldSpec{.name = "resolution", .type = FieldType::word, .words = kResolutions.all(), .otherwise = "minute"},
    moment_field("since"),
};

constexpr std::array kStatisticsRoutes = {
    Route{.name = "statistics.show",
          .act = Act::read,
          .method = "GET",
          .path = "/statistics",
          .fields = kFields,
          .run = run_at_once<show>},
};

}  // namespace

std::span<const Route> statistics_routes() { return kStatisticsRoutes; }

}  // namespace vodlift::rest
