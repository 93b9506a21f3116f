// Whether a server keeps what it has confirmed.
#pragma once

#include "base/error.h"
#include "postgres/pg_connection.h"

namespace vodlift::postgres {

// Refuses a server that may lose committed uploads when it crashes (fsync, full_page_writes or synchronous_commit are
// off), unless `accept_unsafe`: then it is only logged. Refuses one that is older than PostgreSQL 15 or whose database
// is not in UTF-8. Errors: config_invalid, store_failed.
Result<> check_server(PgConnection& connection, bool accept_unsafe);

// Whether the connection to each host outside of this machine is encrypted and the server's certificate is compared
// with its name (sslmode=verify-full). Errors: config_invalid, unless `accept_unsafe`.
Result<> check_encryption(const Secret& url, bool accept_unsafe);

}  // namespace vodlift::postgres
