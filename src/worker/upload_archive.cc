#include "worker/upload_archive.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "base/file.h"
#include "core/upload_json.h"

namespace vodlift::worker {
namespace {

Error archive_fault(std::string_view what, const std::filesystem::path& path) {
  return {Errc::io_error, fmt::format("the archive {} cannot be {}: {}", path.string(), what, errno_text(errno))};
}

Result<> sync_folder(const std::filesystem::path& folder) {
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::fsync(fd.get()) != 0) return archive_fault("synced", folder);
  return {};
}

Result<> make_folder(const std::filesystem::path& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0) return sync_folder(folder.parent_path());
  if (errno != EEXIST) return archive_fault("made", folder);
  return {};
}

std::string archive_name(WallTime ended) {
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(ended));
  return fmt::format("uploads-{:04}-{:02}.jsonl", static_cast<int>(date.year()), static_cast<unsigned>(date.month()));
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// A line that a crash has left incomplete stays as it is, and ends there.
Result<> append_lines(const std::filesystem::path& path, std::string lines) {
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  struct stat found {};
  if (!fd.valid() || ::fstat(fd.get(), &found) != 0) return archive_fault("opened", path);
  if (!S_ISREG(found.st_mode)) {
    return Error{Errc::io_error, fmt::format("the archive {} is not a regular file", path.string())};
  }
  char last = '\n';
  if (found.st_size > 0 && ::pread(fd.get(), &last, 1, found.st_size - 1) != 1) return archive_fault("read", path);
  if (last != '\n') lines.insert(0, 1, '\n');
  if (!write_all(fd.get(), lines) || ::fsync(fd.get()) != 0) {
    auto failed = archive_fault("written", path);
    // What is left of a full disk is for others. Where this does not work either, the next line begins anew.
    [[maybe_unused]] const int cut = ::ftruncate(fd.get(), found.st_size);
    return failed;
  }
  return found.st_size == 0 ? sync_folder(path.parent_path()) : Result<>();
}

}  // namespace

Result<> UploadArchive::add(const std::vector<Upload>& uploads, WallTime now) {
  std::map<std::string, std::string> files;
  for (const Upload& upload : uploads) {
    files[archive_name(upload.finished.value_or(now))] += operator_json_line(upload, now) + "\n";
  }
  if (auto made = make_folder(folder_); !made) return made;
  for (auto& [name, lines] : files) {
    if (auto added = append_lines(folder_ / name, std::move(lines)); !added) return added;
  }
  return {};
}

}  // namespace vodlift::worker
