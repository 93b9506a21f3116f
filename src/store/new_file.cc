#include "store/new_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace vodlift::store {
namespace {

Error cannot(std::string_view what, const std::filesystem::path& file, int error_number) {
  return {Errc::io_error, fmt::format("cannot {} {}: {}", what, file.string(), errno_text(error_number))};
}

// Not every file system knows RENAME_NOREPLACE; the look before the renaming is all there is then.
int rename_to_free_name(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  if (is_taken(to)) return EEXIST;
  return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

}  // namespace

Result<std::unique_ptr<NewFile>> NewFile::make(const std::filesystem::path& target) {
  std::string name = target.string() + ".partial-XXXXXX";
  UniqueFd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd.valid() && (errno == ENOENT || errno == ENOTDIR)) {
    return Error{Errc::not_found, fmt::format("the folder {} is not there", target.parent_path().string())};
  }
  if (!fd.valid()) return cannot("make", name, errno);
  return std::unique_ptr<NewFile>(new NewFile(target, name, std::move(fd)));
}

NewFile::~NewFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<> NewFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot("write", path_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<> NewFile::sync() {
  if (::fsync(fd_.get()) != 0) return cannot("sync", path_, errno);
  return {};
}

Result<> NewFile::place(bool replace) {
  int failed = 0;
  if (!replace) {
    failed = rename_to_free_name(path_, target_);
  } else if (::rename(path_.c_str(), target_.c_str()) != 0) {
    failed = errno;
  }
  if (failed == EEXIST) return Error{Errc::already_exists, fmt::format("{} is there already", target_.string())};
  if (failed != 0) return cannot("rename to", target_, failed);
  path_.clear();
  return {};
}

bool is_taken(const std::filesystem::path& name) {
  struct stat there {};
  return ::lstat(name.c_str(), &there) == 0;
}

Result<> sync_folder_of(const std::filesystem::path& file) {
  const auto parent = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const UniqueFd folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid() || ::fsync(folder.get()) != 0) return cannot("sync", parent, errno);
  return {};
}

}  // namespace vodlift::store
