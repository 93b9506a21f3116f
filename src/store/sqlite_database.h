// The database file: one process, one connection that writes, a few that read (docs/storage.md).
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <type_traits>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "core/change_feed.h"
#include "core/store_rules.h"
#include "core/upload_decisions.h"
#include "store/database_lock.h"
#include "store/sqlite_connection.h"
#include "store/sqlite_readers.h"
#include "store/sqlite_writer.h"

namespace vodlift::store {

struct SqliteOptions {
  std::filesystem::path path;  // the file, or a link to it; made where it is missing, its directory is not
  std::size_t readers = 4;     // connections that read, 1..64
  SqliteWriter::Limits writer;
  // Files of which one that is not empty shows that there was a database before: a missing or empty one is refused.
  std::vector<std::filesystem::path> signs;
  std::int64_t most_open_uploads = kMostOpenUploads;  // of one account
  LocalChangeFeed* feed = nullptr;  // hears of each upload and callback that changed; outlives the database
  bool accept_loss = false;         // go on without what a damaged or missing log has lost (log_check.h)
};

// Internally locked: any thread.
class SqliteDatabase {
 public:
  // Locks, checks, and brings the schema up to date. Reads the whole file once to find damage.
  // Errors: locked (another process has it), config_invalid (not ours, newer than this binary, unfit place),
  // store_corrupt (also where the log lacks what was acknowledged), store_failed, io_error.
  static Result<std::unique_ptr<SqliteDatabase>> open(SqliteOptions options, const Clock& clock);

  // Runs `change(SqliteConnection&) -> Result<T>` in a transaction on the writer's thread; answers when the disk has
  // it. The change may be run again, and after an error nothing of it is kept. Never from a completion.
  // Errors: those of `change`, store_failed, internal, shutting_down.
  template <class Change>
  auto write(Change change) -> std::invoke_result_t<Change&, SqliteConnection&> {
    return answer_of(change, [this](const auto& run) { return writer_.write(run); });
  }

  // Queues a change without waiting; see SqliteWriter::post.
  void post(std::unique_ptr<WriteOperation> operation) { writer_.post(std::move(operation)); }

  // For a change that runs: it gives this upload its id. See SqliteWriter::gives.
  void gives(UploadId id) { writer_.gives(id); }

  // For a change that runs: see SqliteWriter::has_room.
  bool has_room() { return writer_.has_room(); }

  // For a change that runs: it counts each upload that it adds or moves.
  UploadCounts& upload_counts() { return writer_.upload_counts(); }

  // How many uploads that have not ended one account may have from now on. Any thread.
  void limit_open_uploads(std::int64_t most) { writer_.upload_counts().limit(most); }

  // For a change that runs: it removes an account, a key or a bucket. Uploads that were checked before may come yet.
  void note_removal() { removal_felt_until_ = std::chrono::steady_clock::now() + kRemovalFelt; }
  // For a change that runs: whether an upload may come that was checked before a removal.
  [[nodiscard]] bool was_removed_lately() const {
    return removal_felt_until_ != SteadyTime() && std::chrono::steady_clock::now() < removal_felt_until_;
  }

  // But for StoreHealth::damaged.
  [[nodiscard]] StoreHealth health() const { return writer_.health(); }

  // See SqliteWriter::log_bytes.
  [[nodiscard]] std::int64_t log_bytes() const { return writer_.log_bytes(); }

  // Of the thread that writes. Any thread.
  [[nodiscard]] const WriterMetrics& metrics() const { return writer_.metrics(); }

  // Returns when all that was queued before, its completions included, is over.
  void drain();

  // Runs `query(SqliteConnection&) -> Result<T>` on one committed state; waits for no writer.
  // Errors: those of `query`, store_failed.
  template <class Query>
  auto read(Query query) -> std::invoke_result_t<Query&, SqliteConnection&> {
    return answer_of(query, [this](const auto& run) { return readers_.read(run); });
  }

 private:
  SqliteDatabase(DatabaseLock lock, SqliteWriter::Owned writer, std::vector<std::unique_ptr<SqliteConnection>> readers,
                 SqliteWriter::Limits limits);

  // Carries a Result<T> through a door that knows only Result<>.
  template <class Work, class Door>
  static auto answer_of(Work& work, Door door) -> std::invoke_result_t<Work&, SqliteConnection&> {
    using Answer = std::invoke_result_t<Work&, SqliteConnection&>;
    Answer answer = Error{};
    const std::function<Result<>(SqliteConnection&)> run = [&](SqliteConnection& connection) -> Result<> {
      answer = work(connection);
      if (!answer) return answer.error();
      return {};
    };
    if (auto outcome = door(run); !outcome) return outcome.error();
    return answer;
  }

  // Destroyed from the bottom: readers first, then the writer, whose close is the last and empties the log into the
  // file, and only then is the file free for another process.
  DatabaseLock lock_;
  SteadyTime removal_felt_until_{};  // of the writer's thread
  SqliteWriter writer_;
  SqliteReaders readers_;
};

}  // namespace vodlift::store
