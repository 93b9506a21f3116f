#include "storage/tree_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "core/upload_request.h"
#include "storage/open_beneath.h"

namespace vodlift::storage {
namespace {

constexpr std::size_t kBlock = 64;  // paths

void append_number(std::string& out, std::size_t number) {
  out += static_cast<char>(number & 0xFF);
  out += static_cast<char>(number >> 8);
}

std::size_t number_at(const std::string& text, std::size_t at) {
  return static_cast<unsigned char>(text[at]) | std::size_t{static_cast<unsigned char>(text[at + 1])} << 8;
}

constexpr std::size_t kClockEvery = 256;  // entries

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

// The names of one folder that are still to be visited. Names of folders end with a slash, so that they sort like the
// paths beneath them.
struct Level {
  std::string text;
  struct Name {
    std::uint32_t at;
    std::uint16_t size;
  };
  std::vector<Name> names;
  std::size_t next = 0;
  std::size_t prefix = 0;  // bytes of the path up to this folder's names

  [[nodiscard]] std::string_view view(Name name) const { return std::string_view(text).substr(name.at, name.size); }
  [[nodiscard]] std::size_t bytes() const { return text.capacity() + names.capacity() * sizeof(Name); }
};

enum class Kind { file, folder, other };

Kind kind_of(DIR* folder, const dirent& entry) {
  if (entry.d_type == DT_REG) return Kind::file;
  if (entry.d_type == DT_DIR) return Kind::folder;
  if (entry.d_type != DT_UNKNOWN) return Kind::other;
  struct stat status {};
  if (::fstatat(::dirfd(folder), entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) return Kind::other;
  return S_ISREG(status.st_mode) ? Kind::file : S_ISDIR(status.st_mode) ? Kind::folder : Kind::other;
}

class Walker {
 public:
  Walker(const WalkSource& source, const WalkLimits& limits,
         const std::function<bool(std::string_view, std::string_view)>& wanted, const std::atomic<bool>& stop)
      : source_(source), limits_(limits), wanted_(wanted), stop_(stop) {}

  Result<Walk> run() {
    Folder top(open(""));
    if (!top) return top_failure(errno);
    if (auto read = enter(std::move(top)); !read) return read.error();
    while (!levels_.empty()) {
      Level& level = levels_.back();
      path_.resize(level.prefix);
      if (level.next == level.names.size()) {
        pending_ -= level.bytes();
        levels_.pop_back();
        continue;
      }
      const std::string_view name = level.view(level.names[level.next++]);
      path_ += name;
      if (!name.ends_with('/') || source_.depth == ListDepth::entries) {
        walk_.files.add(path_);
        if (walk_.files.bytes() > limits_.list_bytes) {
          cut();
          break;
        }
      } else if (walk_.complete && in_time()) {
        if (auto read = descend(); !read) return read.error();
      }
    }
    walk_.files.close();
    return std::move(walk_);
  }

 private:
  DIR* open(std::string_view beneath) const {
    std::string path = source_.folder;
    if (!beneath.empty()) path.append("/").append(beneath);
    UniqueFd fd = open_beneath(source_.root, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, source_.cross_mounts);
    DIR* folder = fd.valid() ? ::fdopendir(fd.get()) : nullptr;
    if (folder != nullptr) static_cast<void>(fd.release());
    return folder;
  }

  Result<> descend() {
    Folder folder(open(std::string_view(path_).substr(0, path_.size() - 1)));
    if (folder) return enter(std::move(folder));
    switch (errno) {
      case ENOENT:
      case ENOTDIR:
      case ELOOP:
        return {};  // gone, or replaced, since its name was read
      case EACCES:
      case EPERM:
      case EXDEV:
        ++walk_.skipped;
        return {};
      default:
        return failure(errno);
    }
  }

  Result<> enter(Folder folder) {
    Level level;
    level.prefix = path_.size();
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(folder.get());
      if (entry == nullptr) break;
      if (!within_limits(level)) {
        errno = 0;
        break;
      }
      take(folder.get(), *entry, level);
    }
    if (errno != 0) return failure(errno);
    sort(level);
    pending_ += level.bytes();
    levels_.push_back(std::move(level));
    return {};
  }

  void sort(Level& level) const {
    const bool folders_first = source_.depth == ListDepth::entries;
    std::ranges::sort(level.names, {}, [&](Level::Name name) {
      std::string_view text = level.view(name);
      const bool in_front = folders_first && text.ends_with('/');
      if (in_front) text.remove_suffix(1);  // it would put "a.b" before "a"
      return std::pair(!in_front, text);
    });
  }

  void take(DIR* folder, const dirent& entry, Level& level) {
    const std::string_view name = entry.d_name;
    if (name == "." || name == "..") return;
    const Kind kind = kind_of(folder, entry);
    if (kind == Kind::other || (kind == Kind::folder && source_.depth == ListDepth::here)) return;
    path_.resize(level.prefix);
    path_ += name;
    const std::size_t whole = source_.outside_bytes + source_.folder.size() + 1 + path_.size();
    if (whole > kMaxPathBytes || !is_valid_utf8(name)) {
      ++walk_.skipped;
      return;
    }
    if (kind == Kind::file && !wanted_(name, path_)) return;
    const auto at = static_cast<std::uint32_t>(level.text.size());
    level.text += name;
    if (kind == Kind::folder) level.text += '/';
    level.names.push_back({at, static_cast<std::uint16_t>(level.text.size() - at)});
  }

  bool within_limits(const Level& level) {
    if (++entries_ > limits_.entries || pending_ + level.bytes() > limits_.pending_bytes) cut();
    return walk_.complete && (entries_ % kClockEvery != 0 || in_time());
  }

  bool in_time() {
    if (stop_ || std::chrono::steady_clock::now() - began_ > limits_.time) cut();
    return walk_.complete;
  }

  // No further folder is entered; what has been read is kept.
  void cut() { walk_.complete = false; }

  [[nodiscard]] Error failure(int error_number) const {
    return {Errc::io_error, fmt::format("{}: {}", printable(path_), errno_text(error_number))};
  }

  [[nodiscard]] static Error top_failure(int error_number) {
    switch (error_number) {
      case ENOENT:
        return {Errc::not_found, "does not exist"};
      case ENOTDIR:
        return {Errc::source_not_found, "is not a folder"};
      case ELOOP:
        return {Errc::source_not_found, "is, or lies behind, a symbolic link; links are not followed"};
      case EXDEV:
        return {Errc::source_not_found, "lies on another file system, mounted beneath its storage"};
      case EACCES:
      case EPERM:
        return {Errc::source_not_found, "may not be read by the server: permission denied"};
      case ENAMETOOLONG:
        return {Errc::source_not_found, "has a name that is too long"};
      default:
        return {Errc::io_error, errno_text(error_number)};
    }
  }

  const WalkSource& source_;
  const WalkLimits& limits_;
  const std::function<bool(std::string_view, std::string_view)>& wanted_;
  const std::atomic<bool>& stop_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::size_t entries_ = 0;
  std::size_t pending_ = 0;
  std::string path_;  // relative to the folder
  std::vector<Level> levels_;
  Walk walk_;
};

}  // namespace

void PathList::add(std::string_view path) {
  if (size_ % kBlock == 0) {
    blocks_.push_back(text_.size());
    last_.clear();
  }
  const auto differ = std::ranges::mismatch(path, last_);
  const auto shared = static_cast<std::size_t>(differ.in1 - path.begin());
  append_number(text_, shared);
  append_number(text_, path.size() - shared);
  text_ += path.substr(shared);
  last_ = path;
  ++size_;
}

void PathList::close() {
  text_.shrink_to_fit();
  blocks_.shrink_to_fit();
}

std::vector<std::string> PathList::slice(std::size_t first, std::size_t count) const {
  std::vector<std::string> out;
  if (first >= size_) return out;
  const std::size_t end = first + std::min(count, size_ - first);
  std::size_t at = blocks_[first / kBlock];
  std::string path;
  for (std::size_t i = first / kBlock * kBlock; i < end; ++i) {
    const std::size_t own = number_at(text_, at + 2);
    path.resize(number_at(text_, at));
    path.append(text_, at + 4, own);
    at += 4 + own;
    if (i >= first) out.push_back(path);
  }
  return out;
}

Result<Walk> walk_tree(const WalkSource& source, const WalkLimits& limits,
                       const std::function<bool(std::string_view, std::string_view)>& wanted,
                       const std::atomic<bool>& stop) {
  return Walker(source, limits, wanted, stop).run();
}

}  // namespace vodlift::storage
