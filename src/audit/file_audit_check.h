// Whether the files of FileAuditLog are as they were written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.h"

namespace vodlift::audit {

struct AuditCheck {
  std::int64_t files = 0;
  std::int64_t lines = 0;      // that fit
  std::int64_t unchained = 0;  // of older versions, before the chain began
  std::int64_t half = 0;       // that a crash cut short
  std::string newest{};        // the value of the chain; empty: there is none
  bool has_kept = false;       // some line carries the value that was asked for
  struct Fault {
    std::filesystem::path file;
    std::int64_t line = 0;  // from 1
  };
  std::optional<Fault> fault{};  // the first line that does not fit; nothing after it was looked at
};

// Reads all files, the oldest first; `path` and `keep` as in FileAuditOptions. `kept`: a value that was noted earlier;
// empty: none. The log may be written and rotated meanwhile. Errors: io_error.
Result<AuditCheck> check_audit_files(const std::filesystem::path& path, int keep, std::string_view kept);

}  // namespace vodlift::audit
