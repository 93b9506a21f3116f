// Many keep-alive connections on one thread, each with one call at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "load_request.h"

namespace vodlift::bench {

struct LoadResult {
  double seconds = 0;                       // from the first byte sent to the last answer
  std::vector<std::int64_t> ids;            // one per call, in the order of their answers
  std::vector<std::uint32_t> latencies_us;  // likewise
};

struct LoadPlan {
  std::uint16_t port = 0;  // on 127.0.0.1
  std::int64_t requests = 0;
  int connections = 0;
  std::int64_t first_number = 0;  // of the first call
  std::chrono::seconds give_up{300};
};

// Makes `plan.requests` calls. Errors: network (no connection, or the server closed one with a call under way),
// internal (an answer that is no success; the message shows it), timeout.
Result<LoadResult> run_load(const LoadPlan& plan, const LoadRequests& requests);

// The id of a successful answer's body; nothing for any other body.
std::optional<std::int64_t> accepted_id(std::string_view body);

}  // namespace vodlift::bench
