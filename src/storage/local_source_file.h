// An open regular file on a local file system.
#pragma once

#include <memory>
#include <string>

#include "base/file.h"
#include "core/storage.h"
#include "storage/timed_calls.h"

namespace vodlift::storage {

// What a file lies on, as far as vodlift treats it differently.
enum class FileSystem {
  disk,     // of this machine: questions about an open file, and closing it, need no server
  overlay,  // the same; pages in memory are those of another file
  memory,   // the same; stores into mapped pages never move a file's times
  remote,   // anything else
};
FileSystem file_system_of(int fd);

// Reads with pread only: a mapped file that shrinks would kill the process. Any thread.
class LocalSourceFile final : public SourceFile {
 public:
  // Takes `fd`, which lies on `where`, when it is a regular file; `name` is for messages. A remote file is closed on a
  // thread of `reads`, or not at all while its storage hangs. Errors: source_not_found, storage_unavailable.
  static Result<std::unique_ptr<SourceFile>> from(UniqueFd fd, std::string name, std::shared_ptr<TimedCalls> reads,
                                                  FileSystem where);

  [[nodiscard]] const SourceIdentity& identity() const override { return identity_; }
  void read_async(std::int64_t offset, std::span<std::uint8_t> buffer,
                  std::function<void(Result<>)> done) const override;
  Result<std::size_t> read_cached(std::int64_t offset, std::span<std::uint8_t> buffer) const override;
  Result<bool> settle(std::int64_t offset, std::int64_t size) const override;
  Result<SourceIdentity> check_unchanged() const override;

 private:
  // What a read that was given up may still use.
  struct Open {
    UniqueFd fd;
    std::string name;
  };
  struct CloseElsewhere {
    std::weak_ptr<TimedCalls> reads;
    void operator()(const Open* open) const;
  };

  LocalSourceFile(std::shared_ptr<const Open> open, const SourceIdentity& identity, std::shared_ptr<TimedCalls> reads,
                  FileSystem where)
      : open_(std::move(open)), identity_(identity), reads_(std::move(reads)), where_(where) {}

  static Result<> read_waiting(const Open& open, std::int64_t offset, std::span<std::uint8_t> buffer);
  Error no_answer() const;
  [[nodiscard]] Subject subject() const;

  const std::shared_ptr<const Open> open_;
  const SourceIdentity identity_;
  const std::shared_ptr<TimedCalls> reads_;
  const FileSystem where_;
};

}  // namespace vodlift::storage
