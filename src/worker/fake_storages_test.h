// Source files in memory, for the worker's unit tests.
#pragma once

#include <cstring>
#include <memory>
#include <string>

#include "core/storage.h"

namespace vodlift::worker {

class MemorySource final : public SourceFile {
 public:
  explicit MemorySource(std::string bytes) : bytes_(std::move(bytes)) {
    identity_.size = static_cast<std::int64_t>(bytes_.size());
    identity_.inode = 7;
  }

  [[nodiscard]] const SourceIdentity& identity() const override { return identity_; }
  Result<> read(std::int64_t offset, std::span<std::uint8_t> buffer) const override {
    std::memcpy(buffer.data(), bytes_.data() + offset, buffer.size());
    return {};
  }
  void read_async(std::int64_t offset, std::span<std::uint8_t> buffer,
                  std::function<void(Result<>)> done) const override {
    done(read(offset, buffer));
  }
  Result<std::size_t> read_cached(std::int64_t, std::span<std::uint8_t>) const override { return std::size_t{0}; }
  Result<> check_unchanged() const override {
    if (changes_left_ == 0 || --changes_left_ > 0) return {};
    return Error{Errc::source_changed, "written to"};
  }

  // The `nth` check from now on finds a change.
  void change_at_check(int nth) { changes_left_ = nth; }
  SourceIdentity identity_;

 private:
  const std::string bytes_;
  mutable int changes_left_ = 0;
};

class MemoryStorages final : public Storages {
 public:
  Result<std::unique_ptr<SourceFile>> open(const SourcePath&) override {
    ++opened;
    if (removed) return Error{Errc::storage_unknown, "storage sestore4 is unknown"};
    if (bytes.empty() && !empty_file) return Error{Errc::source_not_found, "file does not exist"};
    auto source = std::make_unique<MemorySource>(bytes);
    if (on_open) on_open();
    source->identity_.inode = inode;
    source->identity_.modified_ns = modified_ns;
    if (opened <= changing_opens) source->change_at_check(1);
    return std::unique_ptr<SourceFile>(std::move(source));
  }
  std::vector<StorageInfo> list() override { return {}; }
  void list_files(FileQuery, std::function<void(Result<FileList>)> done) override {
    done(Error{Errc::internal, "not for this test"});
  }

  std::string bytes;
  bool empty_file = false;
  bool removed = false;  // from the configuration
  std::uint64_t inode = 7;
  std::int64_t modified_ns = 0;
  std::function<void()> on_open;
  int opened = 0;
  int changing_opens = 0;  // the first so many files change while they are read
};

}  // namespace vodlift::worker
