// Port: the sestores, where source files lie.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/upload.h"
#include "core/upload_request.h"

namespace vodlift {

// One open source file: the file that was checked is the file that is sent. Any thread may call the const methods.
class SourceFile {
 public:
  SourceFile() = default;
  SourceFile(const SourceFile&) = delete;
  SourceFile& operator=(const SourceFile&) = delete;
  virtual ~SourceFile() = default;

  // The version that was opened.
  [[nodiscard]] virtual const SourceIdentity& identity() const = 0;

  // Fills `buffer` from `offset`; blocks for the disk. Errors: source_changed (the file ends earlier than it did),
  // source_unreadable.
  virtual Result<> read(std::int64_t offset, std::span<std::uint8_t> buffer) const = 0;

  // read() on a thread of the storage, for callers that must not block; `done` is called there, once. The file and the
  // buffer must live until then.
  virtual void read_async(std::int64_t offset, std::span<std::uint8_t> buffer,
                          std::function<void(Result<>)> done) const = 0;

  // As many bytes as lie in memory already, at most `buffer.size()`; 0 when the disk would have to be asked.
  // Never blocks. Errors as read().
  virtual Result<std::size_t> read_cached(std::int64_t offset, std::span<std::uint8_t> buffer) const = 0;

  // Fails with source_changed when the open file is no longer the version in identity(), telling what changed.
  virtual Result<> check_unchanged() const = 0;
};

// What files.getstorage tells of one storage.
struct StorageInfo {
  std::string name;  // "sestore4"
  bool available = false;
  std::int64_t bytes_free = 0;
};

// All configured storages. Any thread; calls block for the disk.
class Storages {
 public:
  Storages() = default;
  Storages(const Storages&) = delete;
  Storages& operator=(const Storages&) = delete;
  virtual ~Storages() = default;

  // Opens a regular file beneath the storage's root, following no link. Errors: storage_unavailable (unknown, or the
  // root is not there), source_not_found (absent, a link, not a regular file, not readable: the message says which).
  virtual Result<std::unique_ptr<SourceFile>> open(const SourcePath& path) = 0;

  virtual std::vector<StorageInfo> list() = 0;
};

}  // namespace vodlift
