#include "store/sqlite_bandwidth_limits.h"

#include <fmt/format.h>

#include "core/stored_limit.h"

namespace vodlift::store {
namespace {

constexpr std::string_view kSelect =
    "SELECT scope, account, name, rate, windows, time_zone FROM bandwidth_limits ORDER BY scope, account, name";
constexpr std::string_view kCount = "SELECT count(*) FROM bandwidth_limits";
constexpr std::string_view kPut =
    "INSERT OR REPLACE INTO bandwidth_limits (scope, account, name, rate, windows, time_zone)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
constexpr std::string_view kRemove = "DELETE FROM bandwidth_limits WHERE scope = ?1 AND account = ?2 AND name = ?3";

}  // namespace

Result<std::vector<BandwidthLimit>> SqliteBandwidthLimits::list() {
  return database_.read([](SqliteConnection& connection) -> Result<std::vector<BandwidthLimit>> {
    std::vector<BandwidthLimit> limits;
    auto row = connection.prepare(kSelect);
    while (row.step()) {
      auto limit = read_limit(row);
      if (!limit) {
        connection.fail(fmt::format("the bandwidth limit of {} {} {} cannot be understood", row.text("scope"),
                                    row.integer("account"), row.text("name")));
        break;
      }
      limits.push_back(std::move(*limit));
    }
    return limits;
  });
}

Result<> SqliteBandwidthLimits::put(const BandwidthLimit& limit) {
  const std::string windows = windows_to_json(limit);
  const std::string rate = to_text(limit.rate);
  return database_.write([&](SqliteConnection& connection) -> Result<> {
    if (std::stoul(connection.query(kCount).value_or("0")) >= kMaxBandwidthLimits) {
      return Error{Errc::invalid_value,
                   fmt::format("there are {} bandwidth limits already; remove one first", kMaxBandwidthLimits)};
    }
    connection.prepare(kPut)
        .bind(to_string(limit.scope.kind), limit.scope.account, limit.scope.name, rate, windows, limit.time_zone)
        .run();
    return {};
  });
}

Result<> SqliteBandwidthLimits::remove(const BandwidthScope& scope) {
  return database_.write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare(kRemove).bind(to_string(scope.kind), scope.account, scope.name).run();
    if (connection.changes() == 1) return {};
    return Error{Errc::not_found, fmt::format("{}: no bandwidth limit is set", to_text(scope))};
  });
}

}  // namespace vodlift::store
