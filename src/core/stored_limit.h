// Rows of bandwidth limits: what their columns mean is the same for every database.
#pragma once

#include <optional>
#include <string>

#include "core/bandwidth_limit.h"
#include "core/row.h"

namespace vodlift {

// Nothing where this build does not know what the row says.
std::optional<BandwidthLimit> read_limit(const Row& row);

// What the column `windows` holds.
std::string windows_to_json(const BandwidthLimit& limit);

}  // namespace vodlift
