#include "store/log_check.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/log.h"
#include "store/sqlite_setup.h"

namespace vodlift::store {
namespace {

using Fate = LogVerdict::Fate;

// How many logs may lie aside. Each is one that an operator gave up, or that held nothing of use.
constexpr int kMostAside = 9;

constexpr std::string_view kFlipped = "it is damaged: a bad frame lies before good ones";
constexpr std::string_view kShort = "its end is missing or damaged";
constexpr std::string_view kAbsent = "it is missing";
constexpr std::string_view kNoHeader = "its first bytes are damaged";
constexpr std::string_view kForeign = "it is not the log of this database, or an old copy of it";

LogVerdict fault(bool loss, Fate fate, std::string_view what) {
  LogVerdict verdict;
  verdict.fate = fate;
  verdict.loss = loss;
  verdict.fault = what;
  return verdict;
}

LogVerdict sound(bool exact) {
  LogVerdict verdict;
  verdict.exact = exact;
  return verdict;
}

// Where the mark knows which log was in use. Frames that the database's file has already must not be replaced by those
// of a shorter log: that one is dropped, and the file stands for all of them.
LogVerdict judge_known(const WalState& log, const MarkRecord& mark) {
  const bool needed = mark.needs_log();
  if (log.bytes == 0) {
    if (needed) return fault(true, Fate::use, kAbsent);
    return sound(mark.closed);
  }
  if (!log.has_header) return fault(needed, Fate::drop, kNoHeader);
  if (!mark.closed && mark.log.precedes(log.generation)) {  // it has begun anew after the mark's last sync
    return log.broken ? fault(true, Fate::cut_off, kFlipped) : LogVerdict{};
  }
  if (log.generation != mark.log) return fault(true, Fate::drop, kForeign);
  if (log.frames < mark.frames) {
    const Fate fate = log.frames >= mark.frames_kept ? Fate::cut_off : Fate::drop;
    return fault(needed, fate, log.broken ? kFlipped : kShort);
  }
  if (log.broken) return fault(true, Fate::cut_off, kFlipped);
  return sound(log.frames == mark.frames);
}

Error refusal(const std::filesystem::path& database, const LogVerdict& verdict) {
  return {Errc::store_corrupt,
          fmt::format("the log {} of the database cannot be used: {}; uploads whose ids were given would be lost. "
                      "Nothing was changed. Copy {}* to another place and check the disk. Then put the right log or a "
                      "backup back, or go on without what is lost: vodlift accept-loss --config FILE",
                      StoreMark::log_of(database).string(), verdict.fault, database.string())};
}

bool is_newer(const std::filesystem::path& one, const std::filesystem::path& other) {
  std::error_code fault;
  const auto first = std::filesystem::last_write_time(one, fault);
  if (fault) return false;
  const auto second = std::filesystem::last_write_time(other, fault);
  return !fault && first > second;
}

// A name that is free for a log that goes out of use.
Result<std::filesystem::path> name_aside(const std::filesystem::path& log) {
  for (int number = 1; number <= kMostAside; ++number) {
    std::filesystem::path aside = fmt::format("{}.aside-{}", log.string(), number);
    std::error_code fault;
    if (!std::filesystem::exists(aside, fault) && !fault) return aside;
  }
  return Error{Errc::io_error, fmt::format("{} logs lie aside already ({}.aside-1, …): move them to another place",
                                           kMostAside, log.string())};
}

Result<> put_aside(const std::filesystem::path& database, const LogVerdict& verdict, const WalState& state) {
  const auto log = StoreMark::log_of(database);
  const auto aside = name_aside(log);
  if (!aside) return aside.error();
  std::error_code fault;
  if (verdict.fate == Fate::cut_off) {
    std::filesystem::copy_file(log, *aside, fault);
    if (!fault) std::filesystem::resize_file(log, state.end, fault);
  } else {
    std::filesystem::rename(log, *aside, fault);
  }
  // SQLite makes the log's index again.
  if (!fault) std::filesystem::remove(database.string() + "-shm", fault);
  if (fault) {
    return Error{Errc::io_error, fmt::format("cannot put {} aside: {}", log.string(), fault.message())};
  }
  log::warn(
      "the database's log was put aside",
      {{"log", log.string()}, {"why", verdict.fault}, {"aside", aside->string()}, {"uploads_lost", verdict.loss}});
  return {};
}

}  // namespace

Error refuse_lost_log(const std::filesystem::path& database) {
  return refusal(database, fault(true, Fate::use, kAbsent));
}

LogVerdict judge_log(const WalState& log, const std::optional<MarkRecord>& mark) {
  if (mark && mark->log.known()) return judge_known(log, *mark);
  if (mark && mark->closed && log.bytes > 0) return fault(true, Fate::drop, kForeign);
  if (log.broken) return fault(true, Fate::cut_off, kFlipped);
  return sound(mark && mark->closed);
}

Result<CheckedLog> check_log(const std::filesystem::path& database, const std::optional<MarkRecord>& mark,
                             bool accept_loss) {
  const auto log = scan_wal(StoreMark::log_of(database));
  if (!log) return unreadable(log.error().message);
  const LogVerdict verdict = judge_log(*log, mark);
  if (verdict.loss && log->bytes == 0 && is_newer(database, StoreMark::path_of(database))) {
    CheckedLog moved;
    moved.may_be_in_file = true;
    return moved;
  }
  if (verdict.loss && !accept_loss) return refusal(database, verdict);
  if (verdict.fate != Fate::use) {
    if (auto aside = put_aside(database, verdict, *log); !aside) return aside.error();
  }
  if (verdict.fate == Fate::drop || log->frames == 0) return CheckedLog{verdict.exact, {}, 0};
  return CheckedLog{verdict.exact, log->generation, log->frames};
}

}  // namespace vodlift::store
