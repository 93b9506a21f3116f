#include "postgres/pg_failure.h"

#include <fmt/format.h>

namespace vodlift::postgres {
namespace {

struct Meaning {
  std::string_view sqlstate;  // or its class
  Errc code;
  bool again;
  std::string_view advice;
};

// The first row that fits counts.
constexpr Meaning kMeanings[] = {
    {"40001", Errc::store_failed, true, ""},  // serialization failure
    {"40P01", Errc::store_failed, true, ""},  // deadlock
    {"55P03", Errc::store_failed, true, ""},  // lock_timeout
    {"57P01", Errc::store_failed, true, ""},  // administrator, or failover
    {"57P02", Errc::store_failed, true, ""},  // crash of another session
    {"57P03", Errc::store_failed, true, ""},  // it starts or stops
    {"25P03", Errc::store_failed, true, ""},  // the transaction stood idle for too long
    {"25006", Errc::store_failed, true, "the server has become a standby"},
    {"57014", Errc::store_failed, false, "it took longer than its time limit: is the server overloaded?"},
    {"53100", Errc::store_failed, false, "check the free space of the database server"},
    {"53300", Errc::store_failed, false, "raise max_connections of the database server"},
    {"42501", Errc::store_failed, false, "the role needs all rights on the schema vodlift"},
    {"08", Errc::store_failed, true, ""},
    {"22", Errc::internal, false, ""},
    {"23", Errc::internal, false, ""},
    {"XX001", Errc::store_corrupt, false, ""},
    {"XX002", Errc::store_corrupt, false, ""},
};

}  // namespace

PgFailure failure_of(std::string_view sqlstate, std::string_view message) {
  for (const Meaning& meaning : kMeanings) {
    if (!sqlstate.starts_with(meaning.sqlstate)) continue;
    std::string text = fmt::format("database: {} (PostgreSQL {})", message, sqlstate);
    if (!meaning.advice.empty()) text += fmt::format("; {}", meaning.advice);
    return {{meaning.code, std::move(text)}, meaning.again};
  }
  return {{Errc::store_failed, fmt::format("database: {} (PostgreSQL {})", message, sqlstate)}, false};
}

bool ends_session(std::string_view sqlstate) {
  return sqlstate.starts_with("57P") || sqlstate.starts_with("08") || sqlstate == "25006" || sqlstate == "25P03";
}

}  // namespace vodlift::postgres
