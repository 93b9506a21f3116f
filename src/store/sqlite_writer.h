// The one thread that changes the database, and its group commit.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/worker_thread.h"
#include "core/store_health.h"
#include "store/ballast.h"
#include "store/row_news.h"
#include "store/sqlite_connection.h"
#include "store/store_mark.h"
#include "store/upload_counts.h"
#include "store/writer_metrics.h"

namespace vodlift::store {

// How the process ends when the disk fails to sync (docs/reference.md, exit codes).
inline constexpr int kExitSyncFailed = 3;

// One change, run on the writer's thread.
class WriteOperation {
 public:
  WriteOperation() = default;
  WriteOperation(const WriteOperation&) = delete;
  WriteOperation& operator=(const WriteOperation&) = delete;
  virtual ~WriteOperation() = default;

  // Makes the change inside an open transaction; an error undoes it. May be run again from the start when others in
  // the same transaction failed, so each run must reset its result.
  virtual Result<> run(SqliteConnection& connection) = 0;

  // Called once: success after the commit is on the disk; an error when nothing was changed. Must not block.
  virtual void done(Result<> outcome) = 0;

  // Nobody waits for it: its commit may come a little later (SqliteWriter::kGather), shared with what comes meanwhile.
  [[nodiscard]] virtual bool patient() const { return false; }
};

// Takes whatever waits while one commit runs into the next transaction: one sync for all of them. Where one operation
// fails, each of its transaction is run again alone, so that it hurts nobody else. Internally locked.
class SqliteWriter {
 public:
  struct Limits {
    std::size_t queue = 16384;  // operations that may wait
    std::size_t batch = 512;    // operations in one transaction
  };
  // How long patient operations wait for company. Anything that is not patient takes them along at once.
  static constexpr std::chrono::milliseconds kGather{5};

  // What the thread owns from the start on: the connection, and what belongs to its database.
  struct Owned {
    std::unique_ptr<SqliteConnection> connection;
    StoreMark mark;
    Ballast ballast;
    UploadCounts counts;
    std::unique_ptr<RowNews> news;  // nothing: nobody is told what changed
  };

  // Starts the thread.
  SqliteWriter(Owned owned, Limits limits);
  SqliteWriter(const SqliteWriter&) = delete;
  SqliteWriter& operator=(const SqliteWriter&) = delete;
  // Carries out what is queued, then moves the log into the file and closes the connection, which must be the last one.
  ~SqliteWriter();

  // Queues an operation. When the queue is full its done() is called here and now with overloaded.
  void post(std::unique_ptr<WriteOperation> operation);

  // For the change that runs: it gives this upload its id, which is reserved before the commit.
  void gives(UploadId id) { given_ = std::max(given_, id); }

  // For the change that runs: whether the disk has room for something new. Where it was full, what is left is for what
  // was taken before.
  bool has_room() { return !(disk_full_ = ballast_.is_given_up()); }

  // For the change that runs.
  UploadCounts& upload_counts() { return counts_; }

  // But for StoreHealth::damaged. Any thread.
  [[nodiscard]] StoreHealth health() const;

  // How much of the log is in use: it begins anew when all of it is in the file and nobody reads it. Any thread.
  [[nodiscard]] std::int64_t log_bytes() const { return log_bytes_; }

  // Any thread.
  [[nodiscard]] const WriterMetrics& metrics() const { return metrics_; }

  // Runs `change` and waits for the disk; waits for room too. Never from done().
  Result<> write(const std::function<Result<>(SqliteConnection&)>& change);

 private:
  using Batch = std::vector<std::unique_ptr<WriteOperation>>;

  void work();
  void enqueue(std::unique_lock<std::mutex> lock, std::unique_ptr<WriteOperation> operation);
  Batch next_batch();
  [[nodiscard]] bool is_due() const;
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  void run_batch(Batch& batch);
  void run_guarded_batch(Batch& batch);
  // Nothing: rolled back, somebody failed.
  std::optional<std::vector<Result<>>> run_together(Batch& batch);
  Result<> run_alone(WriteOperation& operation);
  Result<> run_guarded(WriteOperation& operation);
  bool begin();
  // Of a transaction with so many changes.
  bool commit(std::size_t changes);
  Error failure();
  void report(const Error& error);
  void checkpoint_if_due();
  void checkpoint(bool restart);
  [[nodiscard]] bool is_checkpoint_due(int pages) const;
  void make_room();
  void close();

  std::unique_ptr<SqliteConnection> connection_;
  StoreMark mark_;
  Ballast ballast_;
  UploadCounts counts_;
  std::unique_ptr<RowNews> news_;
  UploadId given_ = 0;  // the highest of the transaction
  SteadyTime begun_;    // the transaction
  const Limits limits_;
  int pages_at_checkpoint_ = 0;
  std::int64_t refused_ = 0;  // changes, since the last report
  SteadyTime reported_;
  std::atomic<bool> disk_full_ = false;                   // as ballast_ said last
  std::atomic<SteadyTime> refuses_since_ = SteadyTime();  // the epoch: it does not
  std::atomic<SteadyTime> busy_since_ = SteadyTime();     // with changes that somebody waits for; the epoch: it is not
  std::atomic<std::int64_t> log_bytes_ = 0;
  SteadyTime checkpoint_failed_;
  WriterMetrics metrics_;

  std::mutex mutex_;
  std::condition_variable room_;
  std::deque<std::unique_ptr<WriteOperation>> queue_;
  std::size_t impatient_ = 0;  // of those in the queue
  SteadyTime queue_since_;
  WorkerThread loop_;  // the destructor stops it under the lock
};

}  // namespace vodlift::store
