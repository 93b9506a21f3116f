// The audit log in files of JSON lines.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/file.h"
#include "core/audit_log.h"

namespace vodlift::audit {

inline constexpr std::size_t kMaxValueBytes = 4096;  // of one value; more is cut, with an ellipsis
inline constexpr std::size_t kMaxFields = 16;        // of AuditEntry::what; more are left out

// No line is longer: its values may have two bytes for each of theirs.
inline constexpr std::size_t kMaxLineBytes = 2 * kMaxValueBytes * (kMaxFields + 6);

// The name of an older file; 0: of the file that is written.
std::filesystem::path numbered(const std::filesystem::path& path, int number);

// `entry` as one line of JSON with its line break (docs/security.md names the members). No text that a client sent can
// break the line. Its place in the chain (audit/chain.h) is for with_chain() to add.
std::string audit_line(const AuditEntry& entry, WallTime when);

struct FileAuditOptions {
  std::filesystem::path path;
  std::int64_t max_bytes = std::int64_t{64} * 1024 * 1024;  // of one file, 1 MiB at least
  int keep = 15;  // older files in the same folder: path.1 (newest) to path.N; 0..1000
};

// Appends to a file of mode 0600 with one write for each line, so a line is in the file when record() returns and
// survives the death of the process; only a power cut may lose the last lines. When the file is full it becomes path.1,
// path.1 becomes path.2 and so on, and the last is deleted. A file that somebody else moves or removes (logrotate) is
// followed by a new one within kLookEvery. The chain of its lines goes on over all files and runs. Internally locked.
class FileAuditLog final : public AuditLog {
 public:
  // Opens the file, or makes it. `clock` must outlive it. Errors: io_error.
  static Result<std::unique_ptr<FileAuditLog>> open(FileAuditOptions options, const Clock& clock);

  void record(const AuditEntry& entry) noexcept override;

 private:
  FileAuditLog(FileAuditOptions options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}

  static constexpr std::chrono::seconds kLookEvery{1};

  Result<> open_file();
  bool is_in_place();
  Result<> take_up_chain();
  void rotate();
  void write_line(const std::string& line);
  void complain(std::string_view what);

  const FileAuditOptions options_;
  const Clock& clock_;
  std::mutex mutex_;
  UniqueFd file_;
  std::int64_t bytes_ = 0;
  std::optional<WallTime> looked_;  // whether the file is in its place
  std::string chain_;               // its value at the end of the file; empty: it has not begun
  std::int64_t lost_ = 0;           // lines that could not be written since the last complaint
  std::optional<WallTime> complained_;
};

}  // namespace vodlift::audit
