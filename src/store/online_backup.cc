#include "store/online_backup.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <exception>
#include <limits>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "base/log.h"
#include "core/field_spec.h"
#include "store/sqlite_page_copy.h"
#include "store/sqlite_setup.h"

namespace vodlift::store {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMib = std::int64_t{1} << 20;
// What was written is sent to the disk now and then: all of it at the end would keep the disk from the log's syncs.
constexpr int kStepsBetweenSyncs = 64;
constexpr std::chrono::milliseconds kLongestRest{100};

Error backup_stopped() { return {Errc::shutting_down, "the server is stopping: the backup was given up"}; }

Error given_up(std::string_view why) {
  return {
      Errc::overloaded,
      fmt::format("the backup was given up, nothing of it is left: {}. Try again when less is written, or write it to "
                  "a faster disk",
                  why)};
}

// Where the database's disk or that of the copy fails.
Error copy_failed(Error error) {
  if (error.code != Errc::store_corrupt) error.code = Errc::io_error;
  return with_context("the backup failed, nothing of it is left", std::move(error));
}

// Whether `file` is an earlier backup.
bool is_backup(const fs::path& file) {
  std::error_code fault;
  if (fs::symlink_status(file, fault).type() != fs::file_type::regular) return false;
  const auto text = read_small_file(manifest_of(file), kMaxManifestBytes);
  return text && parse_manifest(*text);
}

// Whether a file of that name could be taken for one that belongs to `database`: SQLite finds them by their names.
bool belongs_to(const fs::path& database, const fs::path& file) {
  std::error_code fault;
  const bool same_folder =
      fs::weakly_canonical(database.parent_path(), fault) == fs::weakly_canonical(file.parent_path(), fault);
  return same_folder && file.filename().string().starts_with(database.filename().string());
}

// SQLite marks the copy as a database with a write-ahead log, as the original is; it has none, and needs none to be
// read. (Bytes 18 and 19 of the file, "write version" and "read version".)
Result<> mark_as_without_log(const NewFile& file) {
  constexpr std::array<char, 2> kWithoutLog = {1, 1};
  constexpr off_t kPlace = 18;
  if (::pwrite(file.descriptor(), kWithoutLog.data(), kWithoutLog.size(), kPlace) == std::ssize(kWithoutLog)) return {};
  return copy_failed({Errc::io_error, fmt::format("cannot write {}: {}", file.path().string(), errno_text(errno))});
}

// Writes a second manifest of the backup that is to be replaced, then gives that backup its other name in one step. So
// at every moment there is a whole backup with its manifest. Answers whether there was one.
Result<bool> keep_previous(const BackupRequest& request) {
  if (!request.replace || !is_taken(request.file)) return false;
  const fs::path previous = previous_of(request.file);
  const auto text = read_small_file(manifest_of(request.file), kMaxManifestBytes);
  if (!text) return text.error();
  const auto manifest = NewFile::make(manifest_of(previous));
  if (!manifest) return manifest.error();
  if (auto written = (*manifest)->append(*text); !written) return copy_failed(written.error());
  if (auto synced = (*manifest)->sync(); !synced) return copy_failed(synced.error());
  if (auto placed = (*manifest)->place(true); !placed) return placed.error();
  auto renamed = sync_folder_of(request.file);
  if (renamed && ::rename(request.file.c_str(), previous.c_str()) != 0) {
    renamed = Error{Errc::io_error, fmt::format("cannot rename {} to {}: {}", request.file.string(), previous.string(),
                                                errno_text(errno))};
  }
  if (!renamed) ::unlink(manifest_of(previous).c_str());
  if (renamed) renamed = sync_folder_of(request.file);
  if (!renamed) return copy_failed(renamed.error());
  return true;
}

// What was replaced, also by one that a crash has ended. Without its manifest it would be no backup any more.
void remove_previous(const fs::path& file) {
  const fs::path previous = previous_of(file);
  if (!is_backup(previous)) return;
  ::unlink(previous.c_str());
  ::unlink(manifest_of(previous).c_str());
}

// The manifest first: a crash between the two leaves no backup that could be taken for a whole one.
Result<> publish(NewFile& file, NewFile& manifest, const BackupRequest& request) {
  const auto kept = keep_previous(request);
  if (!kept) return kept.error();
  auto placed = manifest.place(request.replace);
  if (placed) {
    placed = file.place(request.replace);
    if (!placed && !request.replace) ::unlink(manifest_of(request.file).c_str());
  }
  if (!placed && *kept) {
    return with_context(fmt::format("the backup that was there is {}", previous_of(request.file).string()),
                        placed.error());
  }
  if (!placed) return placed;
  if (auto synced = sync_folder_of(request.file); !synced) return synced;
  if (request.replace) remove_previous(request.file);
  return {};
}

}  // namespace

OnlineBackup::OnlineBackup(SqliteDatabase& database, const Clock& clock, About about, BackupLimits limits)
    : database_(database), clock_(clock), about_(std::move(about)), limits_(limits), thread_("backup", 1, 1) {}

void OnlineBackup::make(BackupRequest request, Done done) {
  if (stopping_) return done(backup_stopped());
  if (busy_.exchange(true)) return done(Error{Errc::wrong_state, "a backup is under way: try again when it has ended"});
  const auto shared = std::make_shared<const Done>(std::move(done));
  const bool posted = thread_.post([this, shared, request = std::move(request)] {
    Result<BackupManifest> outcome = Error{};
    try {
      outcome = write(request);
    } catch (const std::exception& error) {
      outcome = Error{Errc::io_error, fmt::format("the backup failed: {}", error.what())};
    }
    if (!outcome) {
      log::warn("a backup failed", {{"file", request.file.string()}, {"error", outcome.error().for_operator()}});
    }
    busy_ = false;
    (*shared)(std::move(outcome));
  });
  if (posted) return;
  busy_ = false;
  (*shared)(Error{Errc::overloaded, "no thread can be made for the backup: try again later"});
}

void OnlineBackup::stop() {
  stopping_ = true;
  constexpr std::chrono::milliseconds kBetweenInterrupts{50};  // one has no effect between two statements
  do {
    const std::lock_guard lock(mutex_);
    if (examined_ != nullptr) examined_->interrupt();
  } while (!thread_.stop_within(kBetweenInterrupts));
}

Result<BackupManifest> OnlineBackup::write(const BackupRequest& request) {
  if (auto fit = check_name(request); !fit) return fit.error();
  if (auto room = check_room(request.file); !room) return room.error();
  const SteadyTime begun = std::chrono::steady_clock::now();
  auto file = NewFile::make(request.file);
  if (!file) return file.error();
  BackupManifest manifest;
  manifest.created = std::chrono::floor<std::chrono::seconds>(clock_.now());
  if (auto copied = copy(**file); !copied) return copied.error();
  const auto digest = digest_of((*file)->descriptor(), (*file)->path(), [this](std::string_view) -> Result<> {
    return stopping_ ? Result<>(backup_stopped()) : Result<>();
  });
  if (!digest) return digest.error();
  const auto content = examine(**file);
  if (!content) return content.error();
  manifest.file = request.file.filename().string();
  manifest.bytes = digest->bytes;
  manifest.sha256 = digest->sha256;
  manifest.version = about_.version;
  manifest.schema = content->schema;
  manifest.last_id = content->last_id;
  manifest.uploads = content->uploads;
  manifest.accounts = content->accounts;
  manifest.keys = content->keys;
  manifest.buckets = content->buckets;
  if (content->holds_secrets) manifest.master_key = about_.master_key;
  auto about = NewFile::make(manifest_of(request.file));
  if (!about) return about.error();
  if (auto written = (*about)->append(boost::json::serialize(to_json(manifest)) + "\n"); !written) {
    return copy_failed(written.error());
  }
  if (auto synced = (*about)->sync(); !synced) return copy_failed(synced.error());
  if (auto placed = publish(**file, **about, request); !placed) return placed.error();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  log::info("a backup was made", {{"file", request.file.string()},
                                  {"bytes", manifest.bytes},
                                  {"uploads", manifest.all_uploads()},
                                  {"seconds", fmt::format("{:.1f}", took.count())}});
  return manifest;
}

Result<> OnlineBackup::check_name(const BackupRequest& request) const {
  const fs::path& file = request.file;
  if (!file.is_absolute() || !file.has_filename()) {
    return invalid_field("file", "a whole path is needed, such as /backup/vodlift.db");
  }
  std::error_code fault;
  const fs::path real = fs::canonical(about_.database, fault);
  if (belongs_to(about_.database, file) || (!fault && belongs_to(real, file))) {
    return invalid_field("file", fmt::format("{} begins as the names of the database's own files do; give another name "
                                             "or folder",
                                             file.string()));
  }
  if (!request.replace) {
    for (const fs::path& one : {file, manifest_of(file)}) {
      if (!is_taken(one)) continue;
      return Error{
          Errc::already_exists,
          fmt::format("{} is there already; give another name, or replace that backup (--replace)", one.string())};
    }
  } else {
    for (const fs::path& one : {file, previous_of(file)}) {
      if (!is_taken(one) || is_backup(one)) continue;
      return Error{Errc::already_exists,
                   fmt::format("{} is no backup with its manifest beside it, so it is not replaced", one.string())};
    }
  }
  return {};
}

Result<> OnlineBackup::check_room(const fs::path& file) const {
  std::error_code fault;
  const auto space = fs::space(file.parent_path(), fault);
  if (fault) return {};  // the folder is missing, which its first file will say
  const auto size = fs::file_size(about_.database, fault);
  if (fault) return {};
  const std::int64_t needed = static_cast<std::int64_t>(size) + database_.log_bytes() + limits_.reserve_bytes;
  const auto free =
      static_cast<std::int64_t>(std::min<std::uintmax_t>(space.available, std::numeric_limits<std::int64_t>::max()));
  if (free >= needed) return {};
  return Error{Errc::io_error,
               fmt::format("the disk of {} has {} MiB free, the backup needs {} MiB; make room, or give another folder",
                           file.parent_path().string(), free / kMib, (needed + kMib - 1) / kMib)};
}

// What may hold up others ends here: the transaction, and with it the growth of the log.
Result<> OnlineBackup::copy(NewFile& file) {
  const SteadyTime begun = std::chrono::steady_clock::now();
  const std::int64_t log_before = database_.log_bytes();
  const auto from = SqliteConnection::open(about_.database, SqliteConnection::Access::read_only);
  if (!from) return from.error();
  if (auto configured = configure_reader(**from); !configured) return configured;
  const auto to = SqliteConnection::open(file.path(), SqliteConnection::Access::alone);
  if (!to) return copy_failed(to.error());
  (*to)->execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
  // A transaction reads the state of its first read.
  (*from)->execute("BEGIN");
  (*from)->query("SELECT count(*) FROM sqlite_schema");
  if (auto error = (*from)->take_error()) return copy_failed(std::move(*error));
  {
    SqlitePageCopy pages(**from, **to);
    for (int step = 1;; ++step) {
      const SteadyTime before = std::chrono::steady_clock::now();
      if (!pages.step(limits_.pages)) break;
      if (step % kStepsBetweenSyncs == 0) {
        if (auto synced = file.sync(); !synced) return copy_failed(synced.error());
      }
      if (auto going = may_go_on(begun, log_before); !going) return going;
      const auto took = std::chrono::steady_clock::now() - before;
      std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(took * limits_.rest, kLongestRest));
    }
  }
  if (auto error = (*to)->take_error()) return copy_failed(std::move(*error));
  (*from)->roll_back();
  if (auto marked = mark_as_without_log(file); !marked) return marked;
  if (auto synced = file.sync(); !synced) return copy_failed(synced.error());
  return {};
}

// A log that is large already may be in the file wholly, and begin anew: it counts once it grows.
Result<> OnlineBackup::may_go_on(SteadyTime begun, std::int64_t log_before) const {
  if (stopping_) return backup_stopped();
  if (std::chrono::steady_clock::now() - begun > limits_.longest) {
    return given_up(fmt::format("copying took more than {} s", limits_.longest.count()));
  }
  if (const std::int64_t log = database_.log_bytes(); log > std::max(limits_.log_bytes, log_before)) {
    return given_up(fmt::format("the database's log has grown to {} MiB meanwhile", log / kMib));
  }
  if (const std::int64_t free = database_.health().free_bytes; free < limits_.reserve_bytes) {
    return given_up(fmt::format("the database's disk has {} MiB left", free / kMib));
  }
  return {};
}

Result<BackupContent> OnlineBackup::examine(const NewFile& file) {
  const auto opened = SqliteConnection::open(file.path(), SqliteConnection::Access::alone);
  if (!opened) return copy_failed(opened.error());
  {
    const std::lock_guard lock(mutex_);
    examined_ = opened->get();
  }
  auto content = stopping_ ? Result<BackupContent>(backup_stopped()) : examine_backup(**opened, file.path());
  {
    const std::lock_guard lock(mutex_);
    examined_ = nullptr;
  }
  if (stopping_) return backup_stopped();
  if (!content) {
    return with_context(
        "the copy is not sound, nothing of it is left; check the disks, and the log for damage of the "
        "database itself",
        content.error());
  }
  return content;
}

}  // namespace vodlift::store
