#include "store/sqlite_writer.h"

#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <new>
#include <utility>

#include "base/await.h"
#include "base/log.h"

namespace vodlift::store {
namespace {

// Pages of 4 KiB. A passive checkpoint each 64 MiB of log: pages that change often are then moved once for many
// changes. Should readers keep the log from beginning anew, it is waited for them at 256 MiB.
constexpr int kPassiveCheckpointPages = 16384;
constexpr int kRestartCheckpointPages = 65536;
// Where the disk has little room, the log takes a quarter of it at most before it is moved, but 1 MiB in any case: what
// the log holds, the disk cannot give to the file.
constexpr int kLeastCheckpointPages = 256;
constexpr int kPageBytes = 4096;
constexpr int kPartOfFree = 4;
// With nothing to do for this long, the log is moved into the file, so that a start after a crash has little to redo.
constexpr std::chrono::seconds kIdleBeforeCheckpoint{1};
// A failing disk refuses everything; it is told this often, with the number of changes refused since.
constexpr std::chrono::seconds kBetweenReports{1};

// Does something where a scope is left, by an exception too.
template <class Action>
class OnExit {
 public:
  explicit OnExit(Action action) : action_(std::move(action)) {}
  OnExit(const OnExit&) = delete;
  OnExit& operator=(const OnExit&) = delete;
  ~OnExit() { action_(); }

 private:
  const Action action_;
};

// What write() queues. The caller waits, so `change` lives until done().
class WaitedOperation final : public WriteOperation {
 public:
  WaitedOperation(const std::function<Result<>(SqliteConnection&)>& change, std::function<void(Result<>)> done)
      : change_(change), done_(std::move(done)) {}

  Result<> run(SqliteConnection& connection) override { return change_(connection); }
  void done(Result<> outcome) override { done_(std::move(outcome)); }

 private:
  const std::function<Result<>(SqliteConnection&)>& change_;
  const std::function<void(Result<>)> done_;
};

// After a failed sync nobody can say whether the change will be there after a crash, and a second sync may claim
// success over pages the kernel has given up. An answer, yes or no, could be wrong; so there is none: the connections
// break, the next start recovers what the disk has, and a client that sends the same bytes again is told which.
void end_process_if_sync_failed(SqliteConnection& connection) {
  if (!connection.sync_failed()) return;
  const auto error = connection.take_error();
  log::error("the disk failed to sync the database; ending without an answer, so that a restart can tell what it holds",
             {{"error", error ? error->message : "unknown"}});
  std::_Exit(kExitSyncFailed);
}

void complete(WriteOperation& operation, Result<> outcome) {
  try {
    operation.done(std::move(outcome));
  } catch (const std::exception& error) {
    log::error("a completion of the store failed", {{"error", error.what()}});
  }
}

// Completed, it is gone: what is left in a batch has had no answer.
void complete_and_drop(std::unique_ptr<WriteOperation>& operation, Result<> outcome) {
  const auto owned = std::move(operation);
  complete(*owned, std::move(outcome));
}

}  // namespace

SqliteWriter::SqliteWriter(Owned owned, Limits limits)
    : connection_(std::move(owned.connection)),
      mark_(std::move(owned.mark)),
      ballast_(std::move(owned.ballast)),
      counts_(std::move(owned.counts)),
      news_(std::move(owned.news)),
      limits_(limits) {
  loop_.start("store", [this] { work(); });
}

SqliteWriter::~SqliteWriter() {
  {
    const std::lock_guard lock(mutex_);
    loop_.request_stop();
  }
  room_.notify_all();
  loop_.stop();
  close();
}

// The mark says that the log is not needed any more before SQLite removes it.
void SqliteWriter::close() {
  checkpoint(false);
  const bool whole = !mark_.needs_log();
  connection_->set_checkpoint_on_close(whole);
  connection_.reset();
  if (!whole) return;
  if (auto closed = mark_.closed(); !closed) log::warn("the mark is old", {{"error", closed.error().message}});
}

void SqliteWriter::post(std::unique_ptr<WriteOperation> operation) {
  std::unique_lock lock(mutex_);
  if (!loop_.stopping() && queue_.size() < limits_.queue) return enqueue(std::move(lock), std::move(operation));
  Error refusal{Errc::overloaded, "the queue's disk cannot keep up: nothing was queued, try again in a few seconds"};
  if (loop_.stopping()) refusal = {Errc::shutting_down, "the server is stopping: nothing was queued"};
  lock.unlock();
  complete(*operation, std::move(refusal));
}

// `lock` holds mutex_; this function releases it. It wakes the thread only if nothing as urgent waits already.
void SqliteWriter::enqueue(std::unique_lock<std::mutex> lock, std::unique_ptr<WriteOperation> operation) {
  const bool patient = operation->patient();
  const bool urgent = queue_.empty() || (!patient && impatient_ == 0);
  if (queue_.empty() && patient) queue_since_ = std::chrono::steady_clock::now();
  queue_.push_back(std::move(operation));
  metrics_.waiting.add(1);
  if (!patient) ++impatient_;
  lock.unlock();
  if (urgent) loop_.wake();
}

Result<> SqliteWriter::write(const std::function<Result<>(SqliteConnection&)>& change) {
  return await<Result<>>([&](std::function<void(Result<>)> done) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return loop_.stopping() || queue_.size() < limits_.queue; });
    if (!loop_.stopping()) {
      return enqueue(std::move(lock), std::make_unique<WaitedOperation>(change, std::move(done)));
    }
    done(Error{Errc::shutting_down, "the server is stopping: nothing was changed"});
  });
}

void SqliteWriter::work() {
  for (;;) {
    Batch batch = next_batch();
    if (batch.empty()) return;
    busy_since_ = std::chrono::steady_clock::now();
    const OnExit idle([this] { busy_since_ = SteadyTime(); });
    run_guarded_batch(batch);
    checkpoint_if_due();
    log_bytes_ = std::int64_t{connection_->wal_pages()} * kPageBytes;
    metrics_.log_bytes.set(std::int64_t{connection_->wal_pages() - pages_at_checkpoint_} * kPageBytes);
  }
}

// Empty: the writer stops, and nothing is queued.
SqliteWriter::Batch SqliteWriter::next_batch() {
  Batch batch;
  std::unique_lock lock(mutex_);
  while (!is_due()) wait_for_work(lock);
  batch.reserve(std::min(queue_.size(), limits_.batch));  // before anything is taken: there may be no memory
  while (!queue_.empty() && batch.size() < limits_.batch) {
    if (!queue_.front()->patient()) --impatient_;
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
    metrics_.waiting.add(-1);
  }
  lock.unlock();
  room_.notify_all();
  return batch;
}

bool SqliteWriter::is_due() const {
  if (loop_.stopping() || impatient_ > 0) return true;
  return !queue_.empty() && std::chrono::steady_clock::now() >= queue_since_ + kGather;
}

// Releases the lock meanwhile.
void SqliteWriter::wait_for_work(std::unique_lock<std::mutex>& lock) {
  const bool idle = queue_.empty();
  const SteadyTime gathered = queue_since_ + kGather;
  lock.unlock();
  if (!idle) {
    loop_.wait_until(gathered);
  } else if (connection_->wal_pages() <= pages_at_checkpoint_) {
    loop_.wait();
  } else if (!loop_.wait_for(kIdleBeforeCheckpoint)) {
    checkpoint(false);
  }
  lock.lock();
}

// Where memory ends, nothing was committed of what has no answer yet.
void SqliteWriter::run_guarded_batch(Batch& batch) {
  try {
    run_batch(batch);
  } catch (const std::exception&) {
    connection_->roll_back();
    for (auto& operation : batch) {
      if (operation) complete_and_drop(operation, Error{Errc::store_failed, "no memory"});
    }
    throw;
  }
}

void SqliteWriter::run_batch(Batch& batch) {
  if (batch.size() > 1) {
    if (auto outcomes = run_together(batch)) {
      for (std::size_t i = 0; i < batch.size(); ++i) complete_and_drop(batch[i], std::move((*outcomes)[i]));
      return;
    }
  }
  for (auto& operation : batch) complete_and_drop(operation, run_alone(*operation));
}

std::optional<std::vector<Result<>>> SqliteWriter::run_together(Batch& batch) {
  std::vector<Result<>> outcomes;
  outcomes.reserve(batch.size());
  bool good = begin();
  for (std::size_t i = 0; good && i < batch.size(); ++i) {
    const auto before = connection_->total_changes();
    outcomes.push_back(run_guarded(*batch[i]));
    // A refusal that had changed nothing may stay beside the others; anything else needs its own transaction.
    good = !connection_->failed() && (outcomes.back() || connection_->total_changes() == before);
  }
  if (good && commit(batch.size())) return outcomes;
  connection_->roll_back();
  [[maybe_unused]] const auto error = connection_->take_error();
  return std::nullopt;
}

Result<> SqliteWriter::run_alone(WriteOperation& operation) {
  if (!begin()) return failure();
  Result<> outcome = run_guarded(operation);
  if (connection_->failed()) return failure();
  if (!outcome) {
    connection_->roll_back();
    return outcome;
  }
  if (!commit(1)) return failure();
  return outcome;
}

Result<> SqliteWriter::run_guarded(WriteOperation& operation) {
  try {
    return operation.run(*connection_);
  } catch (const std::bad_alloc&) {
    return Error{Errc::store_failed, "no memory"};
  } catch (const std::exception& error) {
    log::error("an operation of the store failed", {{"error", error.what()}});
    return Error{Errc::internal, "an operation of the store failed; nothing was changed"};
  }
}

bool SqliteWriter::begin() {
  given_ = 0;
  begun_ = std::chrono::steady_clock::now();
  counts_.begin();
  if (news_) news_->begin();
  return connection_->prepare("BEGIN IMMEDIATE").run();
}

bool SqliteWriter::commit(std::size_t changes) {
  if (!counts_.save(*connection_)) return false;
  if (auto reserved = mark_.reserve(given_); !reserved) {
    connection_->fail(fmt::format("no ids can be reserved: {}", reserved.error().message));
    return false;
  }
  if (connection_->prepare("COMMIT").run()) {
    if (refuses_since_.load(std::memory_order_relaxed) != SteadyTime()) refuses_since_ = SteadyTime();
    counts_.committed(metrics_.entered);
    mark_.committed(static_cast<std::uint32_t>(connection_->wal_pages()), given_);
    if (news_) news_->committed();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun_;
    metrics_.commit_seconds.observe(took.count());
    metrics_.changes.observe(static_cast<double>(changes));
    return true;
  }
  end_process_if_sync_failed(*connection_);
  return false;
}

Error SqliteWriter::failure() {
  connection_->roll_back();
  Error error = connection_->take_error().value_or(Error{});
  report(error);
  if (connection_->take_disk_full()) make_room();
  // A damaged database that is already open is, for whoever asks, a change that was not made.
  if (error.code == Errc::store_corrupt) error.code = Errc::store_failed;
  return error;
}

StoreHealth SqliteWriter::health() const {
  StoreHealth health;
  health.free_bytes = ballast_.free_bytes();
  health.disk_full = disk_full_;
  const SteadyTime since = refuses_since_;
  if (since != SteadyTime()) {
    health.refuses_for = std::chrono::floor<std::chrono::seconds>(std::chrono::steady_clock::now() - since);
  }
  const SteadyTime busy = busy_since_;
  if (busy != SteadyTime()) {
    health.busy_for = std::chrono::floor<std::chrono::seconds>(std::chrono::steady_clock::now() - busy);
  }
  return health;
}

void SqliteWriter::report(const Error& error) {
  ++refused_;
  metrics_.refused.add();
  const auto now = std::chrono::steady_clock::now();
  if (refuses_since_.load() == SteadyTime()) refuses_since_ = now;
  if (now - reported_ < kBetweenReports) return;
  log::error("the database refused changes",
             {{"changes", refused_}, {"code", info(error.code).name}, {"error", error.message}});
  reported_ = now;
  refused_ = 0;
}

void SqliteWriter::checkpoint_if_due() {
  const int pages = connection_->wal_pages();
  if (pages < pages_at_checkpoint_) pages_at_checkpoint_ = 0;  // the log has begun anew
  if (is_checkpoint_due(pages - pages_at_checkpoint_)) checkpoint(pages >= kRestartCheckpointPages);
}

bool SqliteWriter::is_checkpoint_due(int pages) const {
  if (pages < kLeastCheckpointPages) return false;
  if (std::chrono::steady_clock::now() - checkpoint_failed_ < kBetweenReports) return false;
  if (pages >= kPassiveCheckpointPages) return true;
  return std::int64_t{pages} * kPageBytes >= ballast_.free_bytes() / kPartOfFree;
}

// Where the log cannot grow, it can begin anew, if the file has room for what the log holds.
void SqliteWriter::make_room() {
  if (ballast_.release()) {
    disk_full_ = true;
    log::warn("the database's disk is full; its reserve was given up to empty the log",
              {{"bytes", Ballast::kBytes},
               {"hint", "make room on the disk; until then what was queued goes on, and new uploads are refused"}});
  } else if (std::chrono::steady_clock::now() - checkpoint_failed_ < kBetweenReports) {
    return;
  }
  checkpoint(true);
}

void SqliteWriter::checkpoint(bool restart) {
  connection_->checkpoint(restart);
  end_process_if_sync_failed(*connection_);
  if (const auto error = connection_->take_error()) {
    const auto now = std::chrono::steady_clock::now();
    if (now - checkpoint_failed_ >= kBetweenReports) {
      log::error("a checkpoint of the database failed; it will be tried again", {{"error", error->message}});
    }
    checkpoint_failed_ = now;
    if (connection_->take_disk_full() && ballast_.release()) checkpoint(restart);
    return;
  }
  pages_at_checkpoint_ = connection_->wal_pages();
  ballast_.keep();
  disk_full_ = ballast_.is_given_up();
  const auto moved = static_cast<std::uint32_t>(connection_->pages_moved());
  if (auto noted = mark_.checkpointed(moved); !noted) {
    log::warn("a checkpoint could not be noted", {{"error", noted.error().message}});
  }
}

}  // namespace vodlift::store
