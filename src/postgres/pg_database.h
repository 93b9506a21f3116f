// The database of one or several nodes, in PostgreSQL: transactions, and what becomes of them (docs/decisions).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/worker_thread.h"
#include "core/change_feed.h"
#include "core/store_health.h"
#include "core/store_metrics.h"
#include "core/upload_decisions.h"
#include "postgres/count_changes.h"
#include "postgres/pg_connection.h"
#include "postgres/pg_news.h"
#include "postgres/pg_pool.h"

namespace vodlift::postgres {

// Ids of one partition of uploads. There is always one more than is needed.
inline constexpr std::int64_t kBlockIds = 10'000'000;

struct PgOptions {
  Secret url;                                         // postgresql://…, of the primary
  std::size_t connections = 8;                        // at most, 2..100
  bool accept_unsafe = false;                         // see check_server()
  std::int64_t most_open_uploads = kMostOpenUploads;  // of one account
  LocalChangeFeed* feed = nullptr;                    // hears of each upload and callback that changed
  bool tell_nodes = false;       // other nodes hear of changes too, and this one of theirs; needs a feed
  const Clock* clock = nullptr;  // for tests: the time, instead of the database's
};

// A transaction that runs. Its statements see what was committed when each of them began (READ COMMITTED); those of a
// read see one state (REPEATABLE READ).
class PgTransaction {
 public:
  // It begins with the first statement, in one message. `clock`: null: the database's own.
  PgTransaction(PgConnection& used, std::string_view how, const Clock* clock);

  // When it began, by the database's clock. Where nothing has run yet, this costs a message of its own.
  WallTime now();

  // For the feed, after the commit.
  void changed_upload(UploadId id) { uploads_.insert(id); }
  void changed_callback(std::int64_t id) { callbacks_.insert(id); }
  void tell(const Change& change) { changes_.push_back(change); }

  PgConnection& connection;
  std::vector<PgCall> last;  // whose answers nobody needs: they are sent with the commit, in one message
  std::size_t together = 1;  // changes that share it, for the metrics
  CountChanges counts;

 private:
  friend class PgDatabase;
  [[nodiscard]] std::vector<Change> news() const;

  const Clock* const clock_;
  std::optional<WallTime> now_;
  std::set<UploadId> uploads_;
  std::set<std::int64_t> callbacks_;
  std::vector<Change> changes_;
};

// Internally locked: any thread.
//
// A change whose COMMIT was answered by a clear success has been written by the server, and by its synchronous standby
// if it has one. Where the answer is lost, or warns that the standby may not have it, the transaction is looked up by
// its mark, and another change must be confirmed clearly, before any success is reported: the standby has what came
// before that.
class PgDatabase {
 public:
  // Connects, checks the server and brings the schema up to date. Errors: those of PgConnection::open, check_server,
  // check_encryption and migrate.
  static Result<std::unique_ptr<PgDatabase>> open(PgOptions options);

  PgDatabase(const PgDatabase&) = delete;
  PgDatabase& operator=(const PgDatabase&) = delete;
  ~PgDatabase() { upkeep_.stop(); }

  // Runs `change(PgTransaction&) -> Result<T>` and commits. It runs again, from the start, where another transaction
  // was in the way or the connection was lost, so each run must reset its results. After an error nothing of it is
  // kept. Errors: those of `change`, store_failed, store_corrupt, internal.
  template <class Change>
  auto write(Change change) -> std::invoke_result_t<Change&, PgTransaction&> {
    return answer_of(change, [this](const Work& work) { return write_noted(work); });
  }

  // Runs `query(PgTransaction&) -> Result<T>` on one committed state. Errors: as write().
  template <class Query>
  auto read(Query query) -> std::invoke_result_t<Query&, PgTransaction&> {
    return answer_of(query, [this](const Work& work) { return read_any(work); });
  }

  // Whether changes fail because of the database, since when, and why. While it is idle, one is tried each second.
  [[nodiscard]] StoreHealth health() const;

  // Why this program must not go on with the database, once a newer one has changed the schema in a way that it cannot
  // use. It is looked each second.
  [[nodiscard]] std::optional<Error> outdated() const;

  [[nodiscard]] StoreMetrics& metrics() { return metrics_; }

  // How many uploads that have not ended one account may have.
  [[nodiscard]] std::int64_t most_open_uploads() const { return most_open_uploads_; }
  // So many from now on.
  void limit_open_uploads(std::int64_t most) { most_open_uploads_ = most; }

  // The changes of counts up to this id are added up, but for those whose transactions were under way for long.
  [[nodiscard]] std::int64_t added_up_to() const { return added_up_to_; }

  // A connection besides the pool's, for the caller alone. Errors: those of PgPool::open_apart().
  Result<std::unique_ptr<PgConnection>> open_apart() { return pool_.open_apart(); }

 private:
  using Work = std::function<Result<>(PgTransaction&)>;
  // How one run of a change ended.
  struct Run {
    enum class End { committed, refused, again, unknown } end = End::refused;
    Error error{};          // but for committed
    std::int64_t lane = 0;  // the mark, where unknown
    std::int64_t number = 0;
  };

  explicit PgDatabase(PgOptions options);

  // Carries a Result<T> through a door that knows only Result<>.
  template <class Given, class Door>
  static auto answer_of(Given& work, Door door) -> std::invoke_result_t<Given&, PgTransaction&> {
    using Answer = std::invoke_result_t<Given&, PgTransaction&>;
    Answer answer = Error{};
    const Work run = [&](PgTransaction& transaction) -> Result<> {
      answer = work(transaction);
      if (!answer) return answer.error();
      return {};
    };
    if (auto outcome = door(run); !outcome) return outcome.error();
    return answer;
  }

  Result<> write_any(const Work& change);
  Result<> write_noted(const Work& change);
  Result<> read_any(const Work& query);
  Run run_change(PgConnection& connection, const Work& change);
  Run run_query(PgConnection& connection, const Work& query);
  // Finds out what became of a transaction. Errors: store_failed (nobody can tell now).
  Result<bool> was_committed(std::int64_t lane, std::int64_t number);
  // Whether the database can be used, as a call of it showed.
  void note(const Result<>& outcome);
  void publish(const std::vector<Change>& changes);
  // On the thread of the upkeep.
  void keep_up();
  void add_up();
  void look_at_schema();
  void make_room_for_ids();

  const PgOptions options_;
  PgPool pool_;
  std::unique_ptr<PgNews> news_;  // nothing: other nodes are not told
  std::atomic<std::int64_t> most_open_uploads_;
  StoreMetrics metrics_;
  std::atomic<bool> refuses_{false};
  mutable std::mutex mutex_;  // guards the next three; the first two hold while refuses_ is true
  SteadyTime refuses_since_;
  std::string why_;
  std::optional<Error> outdated_;
  std::atomic<bool> counts_changed_{true};
  SteadyTime sum_;  // this and the next three are for the upkeep
  SteadyTime look_;
  SteadyTime clear_;
  SteadyTime add_up_all_;
  std::atomic<std::int64_t> added_up_to_{0};
  WorkerThread upkeep_;
};

}  // namespace vodlift::postgres
