// A source file for tests that never look at its bytes.
#pragma once

#include <functional>
#include <span>

#include "core/storage.h"

namespace vodlift {

// Reads of it succeed, and leave the buffer as it is.
class FileOfSize final : public SourceFile {
 public:
  explicit FileOfSize(std::int64_t size)
      : identity_{.device = 1, .inode = 2, .size = size, .change_ns = 3, .modified_ns = 3} {}

  [[nodiscard]] const SourceIdentity& identity() const override { return identity_; }
  void read_async(std::int64_t, std::span<std::uint8_t>, std::function<void(Result<>)> done) const override {
    done({});
  }
  Result<std::size_t> read_cached(std::int64_t, std::span<std::uint8_t>) const override { return std::size_t{0}; }
  Result<bool> settle(std::int64_t, std::int64_t) const override { return true; }
  Result<SourceIdentity> check_unchanged() const override { return identity_; }

 private:
  SourceIdentity identity_;
};

}  // namespace vodlift
