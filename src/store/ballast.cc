#include "store/ballast.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <limits>

#include "base/file.h"

namespace vodlift::store {

void Ballast::keep() {
  if (!kept_ && free_bytes() >= (given_up_ ? kFreeToMakeItAgain : kFreeToMakeIt)) make();
}

void Ballast::make() {
  const UniqueFd fd(::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return;
  kept_ = ::posix_fallocate(fd.get(), 0, kBytes) == 0;
  if (kept_) given_up_ = false;
  if (!kept_) ::unlink(file_.c_str());
}

bool Ballast::release() {
  kept_ = false;
  const bool released = ::unlink(file_.c_str()) == 0;
  given_up_ = given_up_ || released;
  return released;
}

bool Ballast::is_given_up() {
  if (given_up_) keep();
  return given_up_;
}

std::int64_t Ballast::free_bytes() const {
  const auto folder = file_.has_parent_path() ? file_.parent_path() : std::filesystem::path(".");
  struct statvfs about {};
  if (::statvfs(folder.c_str(), &about) != 0) return std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(about.f_bavail) * static_cast<std::int64_t>(about.f_frsize);
}

}  // namespace vodlift::store
