// Source files in memory, for the worker's unit tests.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "core/storage.h"

namespace vodlift::worker {

class MemorySource final : public SourceFile {
 public:
  // `zeros` follow the bytes.
  explicit MemorySource(std::string bytes, std::int64_t zeros = 0) : bytes_(std::move(bytes)) {
    identity_.size = static_cast<std::int64_t>(bytes_.size()) + zeros;
    identity_.inode = 7;
  }

  [[nodiscard]] const SourceIdentity& identity() const override { return identity_; }
  void read_async(std::int64_t offset, std::span<std::uint8_t> buffer,
                  std::function<void(Result<>)> done) const override {
    const std::string_view here =
        std::string_view(bytes_).substr(std::min(static_cast<std::size_t>(offset), bytes_.size()));
    if (on_read) on_read();
    const auto zeros = std::copy_n(here.begin(), std::min(here.size(), buffer.size()), buffer.begin());
    std::fill(zeros, buffer.end(), std::uint8_t{0});
    done({});
  }
  Result<std::size_t> read_cached(std::int64_t, std::span<std::uint8_t>) const override { return std::size_t{0}; }
  Result<bool> settle(std::int64_t, std::int64_t) const override { return settles; }
  Result<SourceIdentity> check_unchanged() const override {
    SourceIdentity now = identity_;
    now.change_ns += touches;
    if (changes_left_ == 0 || --changes_left_ > 0) return now;
    return Error{Errc::source_changed, "written to"};
  }

  // The `nth` check from now on finds a change.
  void change_at_check(int nth) { changes_left_ = nth; }
  // Other bytes, while size and modification time stay.
  void rewrite(std::string bytes) {
    bytes_ = std::move(bytes);
    ++touches;
  }
  SourceIdentity identity_;
  std::function<void()> on_read;
  bool settles = true;
  int touches = 0;  // since it was opened; each moves the change time

 private:
  std::string bytes_;
  mutable int changes_left_ = 0;
};

class MemoryStorages final : public Storages {
 public:
  Result<std::unique_ptr<SourceFile>> open(const SourcePath&) override {
    ++opened;
    if (removed) return Error{Errc::storage_unknown, "storage sestore4 is unknown"};
    if (bytes.empty() && !empty_file) return Error{Errc::source_not_found, "file does not exist"};
    auto source = std::make_unique<MemorySource>(bytes, zeros);
    last = source.get();
    if (on_open) on_open();
    source->identity_.inode = inode;
    source->identity_.modified_ns = modified_ns;
    source->identity_.change_ns = change_ns;
    if (opened <= changing_opens) source->change_at_check(1);
    return std::unique_ptr<SourceFile>(std::move(source));
  }
  std::optional<Result<std::unique_ptr<SourceFile>>> open_cached(const SourcePath&) override { return std::nullopt; }
  std::vector<StorageInfo> list() override { return {}; }
  void list_files(FileQuery, std::function<void(Result<FileList>)> done) override {
    done(Error{Errc::internal, "not for this test"});
  }

  std::string bytes;
  std::int64_t zeros = 0;  // that follow them
  bool empty_file = false;
  bool removed = false;  // from the configuration
  std::uint64_t inode = 7;
  std::int64_t modified_ns = 0;
  std::int64_t change_ns = 0;
  MemorySource* last = nullptr;  // that was opened
  std::function<void()> on_open;
  int opened = 0;
  int changing_opens = 0;  // how many of the first files change while they are read
};

}  // namespace vodlift::worker
