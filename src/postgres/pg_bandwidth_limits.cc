#include "postgres/pg_bandwidth_limits.h"

#include <fmt/format.h>

#include "core/stored_limit.h"
#include "postgres/account_statements.h"

namespace vodlift::postgres {

Result<std::vector<BandwidthLimit>> PgBandwidthLimits::list() {
  return database_.read([](PgTransaction& transaction) -> Result<std::vector<BandwidthLimit>> {
    std::vector<BandwidthLimit> limits;
    auto row = transaction.connection.run(sql::kSelectLimits);
    while (row.next()) {
      auto limit = read_limit(row);
      if (!limit) {
        transaction.connection.fail(fmt::format("the bandwidth limit of {} {} {} cannot be understood",
                                                row.text("scope"), row.integer("account"), row.text("name")));
        break;
      }
      limits.push_back(std::move(*limit));
    }
    return limits;
  });
}

Result<> PgBandwidthLimits::put(const BandwidthLimit& limit) {
  return database_.write([&](PgTransaction& transaction) -> Result<> {
    auto count = transaction.connection.run(sql::kCountLimits);
    if (count.next() && count.integer("found") >= static_cast<std::int64_t>(kMaxBandwidthLimits)) {
      return Error{Errc::invalid_value,
                   fmt::format("there are {} bandwidth limits already; remove one first", kMaxBandwidthLimits)};
    }
    transaction.connection.run(sql::kPutLimit, to_string(limit.scope.kind), limit.scope.account, limit.scope.name,
                               to_text(limit.rate), windows_to_json(limit), limit.time_zone);
    return {};
  });
}

Result<> PgBandwidthLimits::remove(const BandwidthScope& scope) {
  return database_.write([&](PgTransaction& transaction) -> Result<> {
    const auto removed =
        transaction.connection.run(sql::kRemoveLimit, to_string(scope.kind), scope.account, scope.name);
    if (removed.changes() == 1) return {};
    return Error{Errc::not_found, fmt::format("{}: no bandwidth limit is set", to_text(scope))};
  });
}

}  // namespace vodlift::postgres
