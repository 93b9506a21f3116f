#include "audit/file_audit_check.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "audit/chain.h"
#include "audit/file_audit_log.h"
#include "base/file.h"
#include "base/text.h"

namespace vodlift::audit {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{256} * 1024;

struct OpenFile {
  std::filesystem::path path;
  UniqueFd fd;
  ino_t inode = 0;
};

Error cannot_read(const std::filesystem::path& path) {
  return {Errc::io_error, fmt::format("cannot read {}: {}", path.string(), errno_text(errno))};
}

// The newest first: what is rotated meanwhile is met twice rather than missed, and then left out.
Result<std::vector<OpenFile>> open_all(const std::filesystem::path& path, int keep) {
  std::vector<OpenFile> files;
  for (int number = 0; number <= keep; ++number) {
    OpenFile file{numbered(path, number), {}, 0};
    file.fd = UniqueFd(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file.fd.valid() && errno == ENOENT) continue;
    struct stat found {};
    if (!file.fd.valid() || ::fstat(file.fd.get(), &found) != 0) return cannot_read(file.path);
    file.inode = found.st_ino;
    if (files.empty() || files.back().inode != file.inode) files.push_back(std::move(file));
  }
  return files;
}

// Walks through the lines of one file after another until one does not fit.
class Check {
 public:
  explicit Check(std::string_view kept) : kept_(kept) {}

  Result<> file(const OpenFile& file) {
    ++check_.files;
    std::string text;
    std::int64_t number = 0;
    std::int64_t suspect = 1;  // the first line after the last that fits
    for (;;) {
      const std::size_t had = text.size();
      text.resize(had + kBlockBytes);
      const ssize_t got = ::read(file.fd.get(), text.data() + had, kBlockBytes);
      text.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return cannot_read(file.path);
      if (got == 0) break;
      std::size_t begin = 0;
      for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
        ++number;
        const auto step = take(std::string_view(text).substr(begin, end - begin));
        if (step == ChainWalk::Step::broken) return broken(file, suspect);
        if (step != ChainWalk::Step::half) suspect = number + 1;
      }
      text.erase(0, begin);
      if (text.size() > kMaxLineBytes) return broken(file, suspect);  // nothing is that long
    }
    // What has no break yet is being written, or a crash cut it short: the next start gives it one.
    if (!text.empty()) ++check_.half;
    return {};
  }

  AuditCheck finish() {
    check_.newest = walk_.value();
    return std::move(check_);
  }

  [[nodiscard]] bool failed() const { return check_.fault.has_value(); }

 private:
  ChainWalk::Step take(std::string_view line) {
    const auto step = walk_.take(line);
    if (step == ChainWalk::Step::fits) ++check_.lines;
    if (step == ChainWalk::Step::older) ++check_.unchained;
    if (step == ChainWalk::Step::half) ++check_.half;
    if (!kept_.empty() && step == ChainWalk::Step::fits && walk_.value() == kept_) check_.has_kept = true;
    return step;
  }

  Result<> broken(const OpenFile& file, std::int64_t line) {
    check_.fault = AuditCheck::Fault{file.path.string(), line};
    return {};
  }

  const std::string_view kept_;
  ChainWalk walk_;
  AuditCheck check_;
};

}  // namespace

Result<AuditCheck> check_audit_files(const std::filesystem::path& path, int keep, std::string_view kept) {
  const auto files = open_all(path, keep);
  if (!files) return files.error();
  Check check(kept);
  for (auto file = files->rbegin(); file != files->rend() && !check.failed(); ++file) {
    if (auto read = check.file(*file); !read) return read.error();
  }
  return check.finish();
}

}  // namespace vodlift::audit
