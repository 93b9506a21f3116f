// Reads the files of FileAuditLog from their end.
#pragma once

#include <filesystem>

#include "core/audit_reader.h"

namespace vodlift::audit {

// Immutable. Reads 64 KiB at a time, however large the files are. They may be rotated meanwhile: a place in the log is
// the inode of a file, how the file begins, and an offset. What has no line break yet is no line.
class FileAuditReader final : public AuditReader {
 public:
  // As in FileAuditOptions.
  FileAuditReader(std::filesystem::path path, int keep) : path_(std::move(path)), keep_(keep) {}

  Result<AuditPage> read(const AuditQuery& query) override;
  Result<AuditCheck> check(const std::string& kept) override;

 private:
  const std::filesystem::path path_;
  const int keep_;
};

}  // namespace vodlift::audit
