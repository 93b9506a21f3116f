// A file that has a temporary name until it is whole.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "base/file.h"

namespace vodlift::store {

// One thread at a time.
class NewFile {
 public:
  // Makes TARGET.partial-XXXXXX, empty and with mode 0600. Errors: not_found (there is no such folder), io_error.
  static Result<std::unique_ptr<NewFile>> make(const std::filesystem::path& target);

  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  // Removes it, unless place() gave it its name.
  ~NewFile();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] int descriptor() const { return fd_.get(); }

  // Writes `bytes` behind what it has. Errors: io_error.
  Result<> append(std::string_view bytes);
  // Errors: io_error.
  Result<> sync();
  // Gives it the name TARGET; the folder is to be synced. `replace`: also where something has this name.
  // Errors: already_exists, io_error.
  Result<> place(bool replace);

 private:
  NewFile(std::filesystem::path target, std::filesystem::path path, UniqueFd fd)
      : target_(std::move(target)), path_(std::move(path)), fd_(std::move(fd)) {}

  const std::filesystem::path target_;
  std::filesystem::path path_;  // empty: it has its name
  UniqueFd fd_;
};

// Whether anything has this name, be it a link that leads nowhere.
bool is_taken(const std::filesystem::path& name);

// Makes names in the folder of `file` last. Errors: io_error.
Result<> sync_folder_of(const std::filesystem::path& file);

}  // namespace vodlift::store
