// An open regular file on a local file system.
#pragma once

#include <memory>
#include <string>

#include "base/file.h"
#include "base/thread_pool.h"
#include "core/storage.h"

namespace vodlift::storage {

// Reads with pread only: a mapped file that shrinks would kill the process. Any thread.
class LocalSourceFile final : public SourceFile {
 public:
  // Takes `fd` when it is a regular file; `name` is for messages. Errors: source_not_found, storage_unavailable.
  static Result<std::unique_ptr<SourceFile>> from(UniqueFd fd, std::string name, std::shared_ptr<ThreadPool> readers);

  [[nodiscard]] const SourceIdentity& identity() const override { return identity_; }
  Result<> read(std::int64_t offset, std::span<std::uint8_t> buffer) const override;
  void read_async(std::int64_t offset, std::span<std::uint8_t> buffer,
                  std::function<void(Result<>)> done) const override;
  Result<std::size_t> read_cached(std::int64_t offset, std::span<std::uint8_t> buffer) const override;
  Result<> check_unchanged() const override;

 private:
  LocalSourceFile(UniqueFd fd, std::string name, const SourceIdentity& identity, std::shared_ptr<ThreadPool> readers)
      : fd_(std::move(fd)), name_(std::move(name)), identity_(identity), readers_(std::move(readers)) {}

  const UniqueFd fd_;
  const std::string name_;
  const SourceIdentity identity_;
  const std::shared_ptr<ThreadPool> readers_;
};

}  // namespace vodlift::storage
