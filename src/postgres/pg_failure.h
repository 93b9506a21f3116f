// What PostgreSQL's errors mean for us.
#pragma once

#include <string>
#include <string_view>

#include "postgres/pg_connection.h"

namespace vodlift::postgres {

// By its SQLSTATE. `message`: the server's primary message. Its detail is left out, because it may quote values of the
// row.
PgFailure failure_of(std::string_view sqlstate, std::string_view message);

// The server ends the session with it: what was sent last may or may not have been done.
bool ends_session(std::string_view sqlstate);

}  // namespace vodlift::postgres
