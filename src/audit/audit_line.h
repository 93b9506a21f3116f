// One line of the audit log.
#pragma once

#include <string>

#include "base/clock.h"
#include "core/audit_log.h"

namespace vodlift::audit {

inline constexpr std::size_t kMaxValueBytes = 4096;  // of one value; more is cut, with an ellipsis
inline constexpr std::size_t kMaxFields = 16;        // of AuditEntry::what; more are left out

// `entry` as one line of JSON with its line break (docs/security.md names the members). Whatever a client sent stays
// on this line.
std::string audit_line(const AuditEntry& entry, WallTime when);

}  // namespace vodlift::audit
