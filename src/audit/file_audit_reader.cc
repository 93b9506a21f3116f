#include "audit/file_audit_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <utility>

#include "audit/file_audit_check.h"
#include "audit/file_audit_log.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "core/upload_search.h"

namespace vodlift::audit {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{64} * 1024;
constexpr std::size_t kMaxShownBytes = 64;

// Which file it is, whatever it is called: the inode of one that was removed may be another's soon, but no two files
// begin with the same time.
struct FileId {
  std::uint64_t inode = 0;
  std::uint32_t begin = 0;  // CRC32C of its first kBeginBytes

  bool operator==(const FileId&) const = default;
};
constexpr std::string_view kBegin = R"({"time":"2026-11-24T02:15:05.042Z")";
constexpr std::size_t kBeginBytes = kBegin.size();

// A place between two lines.
struct Place {
  FileId file;
  std::int64_t offset = 0;
};

// Cuts a number off, and the dash behind it.
template <class Number>
bool take_number(std::string_view& text, Number& number) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.empty()) return true;
  const bool goes_on = text.size() > 1 && text.front() == '-';
  text.remove_prefix(1);
  return goes_on;
}

Result<Place> read_place(std::string_view text) {
  Place place;
  std::string_view rest = text;
  if (take_number(rest, place.file.inode) && take_number(rest, place.file.begin) && !rest.empty() &&
      take_number(rest, place.offset) && rest.empty() && place.offset >= 0) {
    return place;
  }
  return Error{Errc::invalid_value, fmt::format("cursor: expected the \"next\" of an earlier answer, found {}",
                                                printable(text, kMaxShownBytes))};
}

// One file, read backwards.
struct LogFile {
  UniqueFd fd;
  Place end;  // what is left of it ends here
  std::int64_t size = 0;
  WallTime written;  // the last time
};

// A file that is not there is empty.
Result<LogFile> open_file(const std::filesystem::path& path) {
  LogFile file;
  file.fd = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.fd.valid() && errno == ENOENT) return file;
  struct stat found {};
  if (!file.fd.valid() || ::fstat(file.fd.get(), &found) != 0) {
    return Error{Errc::io_error, "the audit log cannot be read",
                 fmt::format("{}: {}", path.string(), errno_text(errno))};
  }
  file.size = found.st_size;
  file.written = from_unix_ms(std::int64_t{found.st_mtim.tv_sec} * 1000 + found.st_mtim.tv_nsec / 1'000'000);
  std::array<char, kBeginBytes> begin{};
  const ssize_t read = ::pread(file.fd.get(), begin.data(), begin.size(), 0);
  const std::string_view bytes(begin.data(), static_cast<std::size_t>(std::max<ssize_t>(read, 0)));
  file.end = {{found.st_ino, crc32c(0, bytes_of(bytes))}, found.st_size};
  return file;
}

// The lines of all files, the newest first. The files' numbers grow by one when they are rotated.
class Lines {
 public:
  Lines(const std::filesystem::path& path, int keep) : path_(path), keep_(keep) {}

  // Begins behind all lines, or at a place of an earlier call. False: the file of that place is gone.
  Result<bool> begin(const std::optional<Place>& place) {
    for (; number_ <= keep_; ++number_) {
      auto file = open_file(name_of(number_));
      if (!file) return file.error();
      const bool wanted = place ? file->fd.valid() && file->end.file == place->file : number_ == 0;
      if (!wanted) continue;
      file_ = std::move(*file);
      if (place && place->offset > file_.size) return false;
      if (place) file_.end.offset = place->offset;
      return true;
    }
    return false;
  }

  // The line before, without its break; nothing: there is none. One that is longer than lines are comes in
  // pieces.
  Result<std::optional<std::string>> previous() {
    for (;;) {
      auto line = previous_in_file();
      if (!line || *line) return line;
      auto older = go_to_older();
      if (!older) return older.error();
      if (!*older) return std::optional<std::string>();
    }
  }

  [[nodiscard]] std::string place() const {
    return fmt::format("{}-{}-{}", file_.end.file.inode, file_.end.file.begin, file_.end.offset);
  }
  // When the file at hand was written last.
  [[nodiscard]] WallTime written() const { return file_.written; }
  [[nodiscard]] std::int64_t bytes_read() const { return bytes_read_; }

 private:
  [[nodiscard]] std::filesystem::path name_of(int number) const { return numbered(path_, number); }

  // The bytes before `kept_`, which then has them too. False: there are none.
  Result<bool> read_block() {
    const std::int64_t begin = file_.end.offset - std::ssize(kept_);
    const std::size_t bytes =
        std::min<std::size_t>(kBlockBytes, static_cast<std::size_t>(std::max<std::int64_t>(begin, 0)));
    if (bytes == 0) return false;
    std::string block(bytes, '\0');
    std::size_t done = 0;
    while (done < bytes) {
      const auto at = begin - static_cast<std::int64_t>(bytes - done);
      const ssize_t got = ::pread(file_.fd.get(), block.data() + done, bytes - done, at);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return Error{Errc::io_error, "the audit log cannot be read", errno_text(errno)};
      done += static_cast<std::size_t>(got);
    }
    bytes_read_ += static_cast<std::int64_t>(bytes);
    kept_.insert(0, block);
    return true;
  }

  Result<std::optional<std::string>> previous_in_file() {
    if (!file_.fd.valid()) return std::optional<std::string>();
    if (!std::exchange(at_break_, true)) {
      if (auto skipped = skip_what_has_no_break(); !skipped) return skipped.error();
    }
    for (;;) {  // its own break is the last byte
      const std::size_t from = kept_.size() < 2 ? std::string::npos : kept_.rfind('\n', kept_.size() - 2);
      if (from != std::string::npos) return take_from(from + 1);
      if (kept_.size() > kMaxLineBytes) return take_from(0);
      auto more = read_block();
      if (!more) return more.error();
      if (!*more) return kept_.empty() ? std::optional<std::string>() : take_from(0);
    }
  }

  // Ends before what follows the last line break.
  Result<> skip_what_has_no_break() {
    for (;;) {
      const std::size_t at = kept_.rfind('\n');
      if (at != std::string::npos) {
        (void)take_from(at + 1);
        return {};
      }
      if (kept_.size() > kMaxLineBytes) return {};
      auto more = read_block();
      if (!more) return more.error();
      if (!*more) {
        (void)take_from(0);
        return {};
      }
    }
  }

  std::optional<std::string> take_from(std::size_t begin) {
    std::string line = kept_.substr(begin);
    kept_.resize(begin);
    file_.end.offset -= std::ssize(line);
    if (line.ends_with('\n')) line.pop_back();
    return line;
  }

  // The file that is older than this one, which may have another number by now.
  Result<bool> go_to_older() {
    const std::uint64_t inode = file_.end.file.inode;  // it is open, so no other file gets it
    const bool had_file = file_.fd.valid();
    for (int number = number_; had_file && number <= keep_; ++number) {
      struct stat found {};
      if (::stat(name_of(number).c_str(), &found) == 0 && found.st_ino == inode) {
        number_ = number;
        break;
      }
    }
    if (++number_ > keep_) return false;
    auto file = open_file(name_of(number_));
    if (!file) return file.error();
    file_ = std::move(*file);
    kept_.clear();
    at_break_ = false;
    return file_.fd.valid();
  }

  const std::filesystem::path& path_;
  const int keep_;
  int number_ = 0;
  LogFile file_;
  std::string kept_;  // the bytes before file_.end that were read already
  bool at_break_ = false;
  std::int64_t bytes_read_ = 0;
};

// "2026-11-24T02:15:05.042Z"
std::optional<WallTime> read_time(std::string_view text) {
  const auto number = [&](std::size_t at, std::size_t digits) {
    int value = -1;
    const char* const end = text.data() + at + digits;
    const auto [stop, problem] = std::from_chars(text.data() + at, end, value);
    return problem == std::errc() && stop == end ? value : -1;
  };
  constexpr std::string_view kForm = "0000-00-00T00:00:00.000Z";
  if (text.size() != kForm.size()) return std::nullopt;
  for (std::size_t at = 0; at < kForm.size(); ++at) {
    if (kForm[at] == '0' ? !is_digit(text[at]) : text[at] != kForm[at]) return std::nullopt;
  }
  using namespace std::chrono;
  const year_month_day date(year(number(0, 4)), month(static_cast<unsigned>(number(5, 2))),
                            day(static_cast<unsigned>(number(8, 2))));
  if (!date.ok()) return std::nullopt;
  return sys_days(date) + hours(number(11, 2)) + minutes(number(14, 2)) + seconds(number(17, 2)) +
         milliseconds(number(20, 3));
}

AuditRecord read_record(const std::string& line, WallTime not_before) {
  AuditRecord record{not_before, {}, true};
  boost::system::error_code problem;
  boost::json::value parsed = boost::json::parse(line, problem);
  if (problem || !parsed.is_object()) return record;
  const boost::json::value* time = parsed.get_object().if_contains("time");
  const auto at = time != nullptr && time->is_string() ? read_time(time->get_string()) : std::nullopt;
  if (!at) return record;
  return {*at, std::move(parsed.get_object()), false};
}

std::string_view text_at(const boost::json::object& members, std::string_view name) {
  const boost::json::value* member = members.if_contains(name);
  return member != nullptr && member->is_string() ? std::string_view(member->get_string()) : std::string_view();
}
std::int64_t number_at(const boost::json::object& members, std::string_view name) {
  const boost::json::value* member = members.if_contains(name);
  return member != nullptr && member->is_int64() ? member->get_int64() : 0;
}

// Whether the line is about this upload. A line of one request may name many.
bool names_upload(const boost::json::object& members, UploadId upload) {
  if (number_at(members, "upload") == upload) return true;
  const boost::json::value* what = members.if_contains("what");
  if (what == nullptr || !what->is_object()) return false;
  const std::string_view ids = text_at(what->get_object(), "ids");  // "[17,19]"
  const std::string wanted = std::to_string(upload);
  for (std::size_t at = ids.find(wanted); at != std::string_view::npos; at = ids.find(wanted, at + 1)) {
    const std::size_t end = at + wanted.size();
    if ((at == 0 || !is_digit(ids[at - 1])) && (end == ids.size() || !is_digit(ids[end]))) return true;
  }
  return false;
}

bool is_wanted(const AuditQuery& query, const AuditRecord& record) {
  if (query.until && record.at >= *query.until) return false;
  if (query.since && record.at < *query.since) return false;
  if (record.damaged) return !query.asks_for_content();
  if (query.cdn && number_at(record.members, "cdn") != *query.cdn) return false;
  if (query.upload != 0 && !names_upload(record.members, query.upload)) return false;
  if (!query.who.empty() && text_at(record.members, "who") != query.who) return false;
  const std::string_view command = text_at(record.members, "command");
  return query.command.ends_with('.') ? command.starts_with(query.command)
                                      : query.command.empty() || command == query.command;
}

}  // namespace

Result<AuditPage> FileAuditReader::read(const AuditQuery& query) {
  std::optional<Place> place;
  if (!query.before.empty()) {
    const auto given = read_place(query.before);
    if (!given) return given.error();
    place = *given;
  }
  Lines lines(path_, keep_);
  AuditPage page;
  const auto begun = lines.begin(place);
  if (!begun) return begun.error();
  if (!*begun) return page;
  WallTime at = lines.written();
  const auto limit = static_cast<std::size_t>(std::clamp(query.limit, 1, 100));
  for (int looked_at = 0;; ++looked_at) {
    if (page.records.size() == limit) {
      page.next = lines.place();
      return page;
    }
    if (looked_at == kMostAuditLinesSearched || lines.bytes_read() >= kMostAuditBytesSearched) {
      page.next = lines.place();
      page.searched_to = at;
      return page;
    }
    const auto line = lines.previous();
    if (!line) return line.error();
    if (!*line) return page;
    AuditRecord record = read_record(**line, at);
    at = record.at;
    if (query.since && at < *query.since - kClockSetBack) return page;
    if (is_wanted(query, record)) page.records.push_back(std::move(record));
  }
}

Result<AuditCheck> FileAuditReader::check(const std::string& kept) { return check_audit_files(path_, keep_, kept); }

}  // namespace vodlift::audit
