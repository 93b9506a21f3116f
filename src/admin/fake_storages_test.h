// A storage in memory, with one file.
#pragma once

#include <memory>
#include <vector>

#include "core/file_of_size_test.h"
#include "core/storage.h"

namespace vodlift::admin {

// One storage, "sestore4", that holds one file of 1000 bytes: jb/film.mp4.
class MemoryStorages final : public Storages {
 public:
  Result<std::unique_ptr<SourceFile>> open(const SourcePath& path) override {
    if (path.user != "jb" || path.file != "film.mp4") return Error{Errc::source_not_found, "no such file"};
    return std::unique_ptr<SourceFile>(std::make_unique<FileOfSize>(1000));
  }
  std::optional<Result<std::unique_ptr<SourceFile>>> open_cached(const SourcePath&) override { return std::nullopt; }
  std::vector<StorageInfo> list() override { return {{"sestore4", true, 1}}; }
  void list_files(FileQuery, std::function<void(Result<FileList>)> done) override {
    done(Error{Errc::internal, "not for this test"});
  }
};

}  // namespace vodlift::admin
