#include "store/master_key.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/encoding.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/random.h"
#include "base/seal.h"

namespace vodlift::store {
namespace {

Error unfit(const std::filesystem::path& path, std::string_view why) {
  return {Errc::config_invalid, fmt::format("the master key file {} {}", path.string(), why)};
}

UniqueFd open_file(const std::filesystem::path& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
}

bool is_cut_to_nothing(int fd) {
  struct stat about = {};
  return ::fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size == 0;
}

Result<> check_file(int fd, const std::filesystem::path& path) {
  struct stat about = {};
  if (::fstat(fd, &about) != 0) {
    return Error{Errc::io_error, fmt::format("cannot examine {}: {}", path.string(), errno_text(errno))};
  }
  if (!S_ISREG(about.st_mode)) return unfit(path, "is not a regular file");
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return unfit(
        path, fmt::format("is open to others (mode {:04o}): run chmod 600 {}", about.st_mode & 07777U, path.string()));
  }
  if (about.st_size != static_cast<off_t>(Seal::kKeyBytes)) {
    return unfit(path,
                 fmt::format("has {} bytes instead of {}: it is not a master key of vodlift, or it was cut short; "
                             "put the right one back",
                             about.st_size, Seal::kKeyBytes));
  }
  return {};
}

Result<Secret> read_key(int fd, const std::filesystem::path& path) {
  std::string key(Seal::kKeyBytes, '\0');
  const ssize_t count = ::pread(fd, key.data(), key.size(), 0);
  if (count < 0) return Error{Errc::io_error, fmt::format("cannot read {}: {}", path.string(), errno_text(errno))};
  if (count != std::ssize(key)) return unfit(path, "changed while it was read");
  return Secret(std::move(key));
}

Result<> create(const std::filesystem::path& path, bool may_create) {
  if (!may_create) {
    return unfit(path,
                 "is missing, but the database holds secrets sealed with it: put it back (from the backup that "
                 "the database's own comes with)");
  }
  const Secret key(random_bytes(Seal::kKeyBytes));
  return create_private_file(path, key.reveal());
}

}  // namespace

Result<Secret> load_or_create_master_key(const std::filesystem::path& path, bool may_create) {
  UniqueFd fd = open_file(path);
  if (fd.valid() && may_create && is_cut_to_nothing(fd.get())) {
    log::warn("the master key file is empty; no secret is sealed yet, so a new key is made", {{"file", path.string()}});
    if (::unlink(path.c_str()) == 0) fd = open_file(path);
  }
  if (!fd.valid() && errno == ENOENT) {
    if (auto created = create(path, may_create); !created) return created.error();
    fd = open_file(path);
  }
  if (!fd.valid()) return Error{Errc::io_error, fmt::format("cannot open {}: {}", path.string(), errno_text(errno))};
  if (auto fit = check_file(fd.get(), path); !fit) return fit.error();
  return read_key(fd.get(), path);
}

// The derivation of keys that seal (seal.cc) is another function, so nothing follows from one for the other.
std::string fingerprint_of(const Secret& master_key) {
  constexpr std::string_view kPurpose = "vodlift: fingerprint of a master key";
  constexpr std::size_t kDigits = 16;
  return to_hex(hmac_sha256(bytes_of(master_key.reveal()), bytes_of(kPurpose))).substr(0, kDigits);
}

}  // namespace vodlift::store
