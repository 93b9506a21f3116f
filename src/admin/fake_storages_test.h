// A storage in memory, with one file.
#pragma once

#include <memory>
#include <vector>

#include "core/storage.h"

namespace vodlift::admin {

// One storage, "sestore4", that holds one file of 1000 bytes: jb/film.mp4.
class MemoryStorages final : public Storages {
 public:
  Result<std::unique_ptr<SourceFile>> open(const SourcePath& path) override {
    if (path.user != "jb" || path.file != "film.mp4") return Error{Errc::source_not_found, "no such file"};
    return std::unique_ptr<SourceFile>(std::make_unique<File>());
  }
  std::vector<StorageInfo> list() override { return {{"sestore4", true, 1}}; }
  void list_files(FileQuery, std::function<void(Result<FileList>)> done) override {
    done(Error{Errc::internal, "not for this test"});
  }

 private:
  class File final : public SourceFile {
   public:
    [[nodiscard]] const SourceIdentity& identity() const override { return identity_; }
    Result<> read(std::int64_t, std::span<std::uint8_t>) const override { return {}; }
    void read_async(std::int64_t, std::span<std::uint8_t>, std::function<void(Result<>)> done) const override {
      done({});
    }
    Result<std::size_t> read_cached(std::int64_t, std::span<std::uint8_t>) const override { return std::size_t{0}; }
    Result<> check_unchanged() const override { return {}; }

   private:
    SourceIdentity identity_{.device = 1, .inode = 1, .size = 1000, .change_ns = 1, .modified_ns = 1};
  };
};

}  // namespace vodlift::admin
