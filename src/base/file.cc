#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace vodlift {
namespace {

Result<std::string> read_to_end(int fd, std::string_view name, std::size_t max_bytes) {
  std::string out;
  char buffer[16384];
  for (;;) {
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Error{Errc::io_error, fmt::format("cannot read {}: {}", name, errno_text(errno))};
    if (count == 0) return out;
    out.append(buffer, static_cast<std::size_t>(count));
    if (out.size() > max_bytes) {
      return Error{Errc::io_error, fmt::format("{} is larger than the {} bytes allowed here", name, max_bytes)};
    }
  }
}

Result<> write_all(int fd, const std::filesystem::path& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Error{Errc::io_error, fmt::format("cannot write {}: {}", path.string(), errno_text(errno))};
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void UniqueFd::reset() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::string errno_text(int error_number) {
  const char* name = ::strerrorname_np(error_number);
  const char* text = ::strerrordesc_np(error_number);
  return fmt::format("{} ({})", text == nullptr ? "unknown error" : text, name == nullptr ? "?" : name);
}

Result<std::string> read_small_file(const std::filesystem::path& path, std::size_t max_bytes) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) {
    const Errc code = errno == ENOENT ? Errc::not_found : Errc::io_error;
    return Error{code, fmt::format("cannot open {}: {}", path.string(), errno_text(errno))};
  }
  return read_to_end(fd.get(), path.string(), max_bytes);
}

Result<std::string> read_standard_input(std::size_t max_bytes) {
  return read_to_end(STDIN_FILENO, "standard input", max_bytes);
}

Result<> create_private_file(const std::filesystem::path& path, std::string_view bytes) {
  if (struct stat there{}; ::lstat(path.c_str(), &there) == 0) {
    return Error{Errc::already_exists, fmt::format("cannot create {}: {}", path.string(), errno_text(EEXIST))};
  }
  // Under another name first: a full disk or a crash leaves no file of this name that is cut short.
  std::string other = path.string() + ".XXXXXX";
  const UniqueFd fd(::mkostemp(other.data(), O_CLOEXEC));
  if (!fd.valid()) {
    return Error{Errc::io_error, fmt::format("cannot create {}: {}", path.string(), errno_text(errno))};
  }
  struct Removal {
    const std::string& name;
    ~Removal() { ::unlink(name.c_str()); }
  } const removed_at_end{other};
  if (auto written = write_all(fd.get(), path, bytes); !written) return written;
  if (::fsync(fd.get()) != 0) {
    return Error{Errc::io_error, fmt::format("cannot sync {}: {}", path.string(), errno_text(errno))};
  }
  if (::link(other.c_str(), path.c_str()) != 0) {
    const Errc code = errno == EEXIST ? Errc::already_exists : Errc::io_error;
    return Error{code, fmt::format("cannot create {}: {}", path.string(), errno_text(errno))};
  }
  const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const UniqueFd directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || ::fsync(directory.get()) != 0) {
    return Error{Errc::io_error, fmt::format("cannot sync {}: {}", parent.string(), errno_text(errno))};
  }
  return {};
}

}  // namespace vodlift
