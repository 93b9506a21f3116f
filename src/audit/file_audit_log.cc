#include "audit/file_audit_log.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "audit/chain.h"
#include "base/encoding.h"
#include "base/log.h"

namespace vodlift::audit {
namespace {

constexpr std::size_t kUsualBytes = 512;  // of a line

// Kept for the next line, which is mostly of the same second.
std::string_view seconds_as_text(std::int64_t seconds) {
  thread_local std::int64_t kept = -1;
  thread_local std::string text;
  if (seconds != kept || text.empty()) {
    text = fmt::format("{:%Y-%m-%dT%H:%M:%S}", fmt::gmtime(static_cast<std::time_t>(seconds)));
    kept = seconds;
  }
  return text;
}

void append(std::string& line, std::string_view name, std::string_view value) {
  line.append(1, '"').append(name).append("\":").append(json_string(printable(value, kMaxValueBytes))).append(1, ',');
}

void append(std::string& line, std::string_view name, std::int64_t number) {
  if (number != 0) line.append(1, '"').append(name).append("\":").append(std::to_string(number)).append(1, ',');
}

constexpr std::chrono::minutes kComplainEvery{1};

// More than the longest line, and than the half one that may follow it.
constexpr std::int64_t kTailBytes = 3 * std::int64_t{kMaxLineBytes};

// The end of a file, from the begin of a line on, or from somewhere if no line begins there.
Result<std::string> tail_of(int file, std::int64_t size) {
  std::string text(static_cast<std::size_t>(std::min(size, kTailBytes)), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t got =
        ::pread(file, text.data() + done, text.size() - done, size - static_cast<std::int64_t>(text.size() - done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Error{Errc::io_error, errno_text(got < 0 ? errno : EIO)};
    done += static_cast<std::size_t>(got);
  }
  if (std::ssize(text) < size) text.erase(0, text.find('\n') + 1);
  return text;
}

}  // namespace

std::filesystem::path numbered(const std::filesystem::path& path, int number) {
  return number == 0 ? path : std::filesystem::path(fmt::format("{}.{}", path.string(), number));
}

std::string audit_line(const AuditEntry& entry, WallTime when) {
  std::string line;
  line.reserve(kUsualBytes);
  line.append(R"({"time":")").append(seconds_as_text(to_unix_seconds(when)));
  fmt::format_to(std::back_inserter(line), R"(.{:03}Z",)", to_unix_ms(when) % 1000);
  append(line, "door", entry.door);
  append(line, "address", entry.address);
  if (!entry.who.empty()) append(line, "who", std::string_view(entry.who));
  if (!entry.token.empty()) append(line, "token", std::string_view(entry.token));
  append(line, "cdn", entry.cdn);
  append(line, "key", entry.key_id);
  append(line, "command", entry.command);
  const std::size_t count = std::min(entry.what.size(), kMaxFields);
  if (count > 0) {
    line.append(R"("what":{)");
    for (std::size_t i = 0; i < count; ++i) append(line, entry.what[i].first, std::string_view(entry.what[i].second));
    line.back() = '}';
    line.append(1, ',');
  }
  for (const auto& [name, value] :
       {std::pair("call", std::string_view(entry.call)), std::pair("before", std::string_view(entry.before)),
        std::pair("after", std::string_view(entry.after))}) {
    if (!value.empty()) append(line, name, value);
  }
  append(line, "result", std::string_view(entry.begun ? "begun" : entry.failure ? "failure" : "success"));
  if (entry.failure) append(line, "error", info(*entry.failure).name);
  append(line, "upload", entry.upload);
  line.back() = '}';
  line.append(1, '\n');
  return line;
}

Result<std::unique_ptr<FileAuditLog>> FileAuditLog::open(FileAuditOptions options, const Clock& clock) {
  std::unique_ptr<FileAuditLog> log(new FileAuditLog(std::move(options), clock));
  if (auto opened = log->open_file(); !opened) return opened.error();
  return log;
}

Result<> FileAuditLog::open_file() {
  const std::string path = options_.path.string();
  file_ = UniqueFd(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  struct stat found {};
  if (!file_.valid() || ::fstat(file_.get(), &found) != 0) {
    return Error{Errc::io_error, fmt::format("cannot open the audit log {}: {}", path, errno_text(errno))};
  }
  if (!S_ISREG(found.st_mode)) {
    file_.reset();
    return Error{Errc::io_error, fmt::format("the audit log {} is not a regular file", path)};
  }
  bytes_ = found.st_size;
  if (auto taken = take_up_chain(); !taken) {
    file_.reset();
    return with_context("cannot read the audit log " + path, taken.error());
  }
  return {};
}

Result<> FileAuditLog::take_up_chain() {
  UniqueFd older;
  std::int64_t size = bytes_;
  if (size == 0) {
    if (!chain_.empty()) return {};  // it was full, and a new one begins
    older = UniqueFd(::open(numbered(options_.path, 1).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat found {};
    if (!older.valid() || ::fstat(older.get(), &found) != 0) return {};
    size = found.st_size;
  }
  auto tail = tail_of(older.valid() ? older.get() : file_.get(), size);
  if (!tail) return tail.error();
  if (!tail->empty() && !tail->ends_with('\n')) {
    if (!older.valid()) {
      log::warn("the audit log ended in half a line; it stays, and new lines follow it",
                {{"file", options_.path.string()}});
      if (::write(file_.get(), "\n", 1) != 1) return Error{Errc::io_error, errno_text(errno)};
      ++bytes_;
    }
    tail->push_back('\n');
  }
  chain_ = chain_at_end(*tail);
  return {};
}

void FileAuditLog::rotate() {
  std::error_code ignored;
  std::filesystem::remove(numbered(options_.path, options_.keep), ignored);
  for (int number = options_.keep; number > 0; --number) {
    std::filesystem::rename(numbered(options_.path, number - 1), numbered(options_.path, number), ignored);
  }
  // When the rename failed, the same file is opened again and grows further: a long log is better than a lost one.
  if (auto opened = open_file(); !opened) complain(opened.error().message);
}

// Looks now and then, and takes up the file's size: it may have been cut as well.
bool FileAuditLog::is_in_place() {
  const WallTime now = clock_.now();
  if (looked_ && now >= *looked_ && now - *looked_ < kLookEvery) return true;
  looked_ = now;
  struct stat there {};
  struct stat ours {};
  if (::fstat(file_.get(), &ours) != 0 || ::lstat(options_.path.c_str(), &there) != 0) return false;
  bytes_ = ours.st_size;
  return there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
}

void FileAuditLog::write_line(const std::string& line) {
  if (file_.valid() && !is_in_place()) file_.reset();
  if (!file_.valid()) {
    if (auto opened = open_file(); !opened) return complain(opened.error().message);
  }
  if (bytes_ > 0 && bytes_ + std::ssize(line) > options_.max_bytes) rotate();
  if (!file_.valid()) return;
  std::string chain = chain_;
  const std::string chained = with_chain(line, bytes_ == 0 || chain.empty(), chain);
  const std::int64_t before = bytes_;
  std::string_view left = chained;
  while (!left.empty()) {
    const ssize_t written = ::write(file_.get(), left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      complain(fmt::format("cannot write the audit log {}: {}", options_.path.string(), errno_text(errno)));
      // Half a line would spoil the next one, so it is cut off; or ended, when the file is opened again.
      if (bytes_ != before && ::ftruncate(file_.get(), before) != 0) file_.reset();
      bytes_ = before;
      return;
    }
    bytes_ += written;
    left.remove_prefix(static_cast<std::size_t>(written));
  }
  chain_ = std::move(chain);
}

void FileAuditLog::complain(std::string_view what) {
  ++lost_;
  const WallTime now = clock_.now();
  if (complained_ && now - *complained_ < kComplainEvery && now >= *complained_) return;
  complained_ = now;
  log::error("the audit log misses lines", {{"lines", lost_}, {"error", what}});
  lost_ = 0;
}

void FileAuditLog::record(const AuditEntry& entry) noexcept {
  try {
    const std::string line = audit_line(entry, clock_.now());
    const std::lock_guard lock(mutex_);
    write_line(line);
  } catch (const std::exception& error) {
    log::error("the audit log misses a line", {{"command", entry.command}, {"error", error.what()}});
  }
}

}  // namespace vodlift::audit
