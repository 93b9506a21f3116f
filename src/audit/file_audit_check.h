// Whether the files of FileAuditLog are as they were written.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/error.h"
#include "core/audit_reader.h"

namespace vodlift::audit {

// Reads all files, the oldest first; `path` and `keep` as in FileAuditOptions. `kept`: a value that was noted earlier;
// empty: none. The log may be written and rotated meanwhile. Errors: io_error.
Result<AuditCheck> check_audit_files(const std::filesystem::path& path, int keep, std::string_view kept);

}  // namespace vodlift::audit
