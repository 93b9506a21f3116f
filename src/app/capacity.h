// How many connections and files the daemon may have open, and who they are for.
#pragma once

#include <cstddef>

#include "app/config.h"
#include "base/error.h"

namespace vodlift::app {

// Connections of clients where the file does not say a number.
inline constexpr std::size_t kUsualConnections = 20000;

// Connections to S3 that may be open at once: 10,000 at most.
std::size_t s3_connections(const Config::Worker& worker);

// Connections that the panel's own listener may have; 0: there is none.
std::size_t panel_connections(const Config& config);

// Descriptors that clients' connections never take: for S3, source files, the database, callbacks, the panel, the
// administration, the log and refusals to clients.
std::size_t reserved_descriptors(const Config& config);

// Connections of clients, of `limit` open files: [server] connections, or if the file does not say it 20,000 or as many
// as there is room for. Errors: config_invalid; the message says what to set.
Result<std::size_t> client_connections(const Config& config, std::size_t limit);

}  // namespace vodlift::app
