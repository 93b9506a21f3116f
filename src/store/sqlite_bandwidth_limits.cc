#include "store/sqlite_bandwidth_limits.h"

#include <fmt/format.h>

#include "store/sqlite_account_rows.h"

namespace vodlift::store {
namespace {

constexpr std::string_view kSelect =
    "SELECT scope, account, name, rate, windows, time_zone FROM bandwidth_limits ORDER BY scope, account, name";
constexpr std::string_view kCount = "SELECT count(*) FROM bandwidth_limits";
constexpr std::string_view kPut =
    "INSERT OR REPLACE INTO bandwidth_limits (scope, account, name, rate, windows, time_zone)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
constexpr std::string_view kRemove = "DELETE FROM bandwidth_limits WHERE scope = ?1 AND account = ?2 AND name = ?3";

// Nothing where this build does not know what the row says.
std::optional<BandwidthLimit> read_limit(const SqliteStatement& row) {
  BandwidthLimit limit;
  const auto kind = scope_kind_from(row.text("scope"));
  const auto rate = parse_rate(row.text("rate"));
  const auto windows = texts_from_json(row.text("windows"));
  if (!kind || !rate || !windows) return std::nullopt;
  limit.scope = {*kind, row.integer("account"), row.text("name")};
  limit.rate = *rate;
  limit.time_zone = row.text("time_zone");
  for (const std::string& text : *windows) {
    const auto window = parse_window(text);
    if (!window) return std::nullopt;
    limit.windows.push_back(*window);
  }
  return limit;
}

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
  std::vector<std::string> texts;
  for (const BandwidthWindow& window : limit.windows) texts.push_back(to_text(window));
  const std::string windows = texts_to_json(texts);
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
