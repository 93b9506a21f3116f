// Follows uploads on the screen until they have ended.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cli/progress.h"
#include "cli/session.h"

namespace vodlift::cli {

// Asks the daemon again and again, and shows what changes, until each of `ids` (1..100) has ended. A daemon that is
// being restarted is waited for, 30 s at most. Answers the exit code: kDone when all are completed.
int watch_uploads(Session& session, std::optional<std::int64_t> cdn, const std::vector<std::int64_t>& ids);

}  // namespace vodlift::cli
