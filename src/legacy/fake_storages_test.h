// Storages in memory, with one file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/file_of_size_test.h"
#include "core/storage.h"

namespace vodlift::legacy {

// sestore4 with jb/path/to/file.mp4, and sestore5, which is not there today.
class FakeStorages final : public Storages {
 public:
  Result<std::unique_ptr<SourceFile>> open(const SourcePath& path) override {
    if (path.storage != "sestore4") return Error{Errc::storage_unavailable, "storage " + path.storage + " is unknown"};
    const std::string file = path.user + "/" + path.file;
    if (gone || file != "jb/path/to/file.mp4") {
      return Error{Errc::source_not_found, "file sestore4/" + file + " does not exist"};
    }
    return std::unique_ptr<SourceFile>(std::make_unique<FileOfSize>(1000));
  }
  std::optional<Result<std::unique_ptr<SourceFile>>> open_cached(const SourcePath& path) override {
    if (!cached) return std::nullopt;
    return open(path);
  }
  std::vector<StorageInfo> list() override { return {{"sestore4", true, 123456}, {"sestore5", false, 0}}; }
  void list_files(FileQuery query, std::function<void(Result<FileList>)> done) override {
    last_files = query;
    if (query.folder.storage != "sestore4") return done(Error{Errc::storage_unavailable, "not there today"});
    done(listed);
  }

  bool gone = false;
  bool cached = false;  // the file needs no disk
  FileList listed;
  FileQuery last_files;
};

}  // namespace vodlift::legacy
