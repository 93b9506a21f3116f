// Storages in memory, with one file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/storage.h"

namespace vodlift::legacy {

class FakeSource final : public SourceFile {
 public:
  [[nodiscard]] const SourceIdentity& identity() const override { return identity_; }
  Result<> read(std::int64_t, std::span<std::uint8_t>) const override { return {}; }
  void read_async(std::int64_t, std::span<std::uint8_t>, std::function<void(Result<>)> done) const override {
    done({});
  }
  Result<std::size_t> read_cached(std::int64_t, std::span<std::uint8_t>) const override { return std::size_t{0}; }
  Result<> check_unchanged() const override { return {}; }

 private:
  SourceIdentity identity_{.device = 1, .inode = 2, .size = 1000, .change_ns = 3, .modified_ns = 3};
};

// sestore4 with jb/path/to/file.mp4, and sestore5, which is not there today.
class FakeStorages final : public Storages {
 public:
  Result<std::unique_ptr<SourceFile>> open(const SourcePath& path) override {
    if (path.storage != "sestore4") return Error{Errc::storage_unavailable, "storage " + path.storage + " is unknown"};
    const std::string file = path.user + "/" + path.file;
    if (gone || file != "jb/path/to/file.mp4") {
      return Error{Errc::source_not_found, "file sestore4/" + file + " does not exist"};
    }
    return std::unique_ptr<SourceFile>(std::make_unique<FakeSource>());
  }
  std::vector<StorageInfo> list() override { return {{"sestore4", true, 123456}, {"sestore5", false, 0}}; }
  void list_files(FileQuery query, std::function<void(Result<FileList>)> done) override {
    last_files = query;
    if (query.folder.storage != "sestore4") return done(Error{Errc::storage_unavailable, "not there today"});
    done(listed);
  }

  bool gone = false;
  FileList listed;
  FileQuery last_files;
};

}  // namespace vodlift::legacy
