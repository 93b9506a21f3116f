#include "postgres/pg_database.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <thread>

#include "base/log.h"
#include "base/random.h"
#include "postgres/pg_commits.h"
#include "postgres/pg_migrations.h"
#include "postgres/pg_server_check.h"
#include "postgres/upload_statements.h"

namespace vodlift::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

// Runs of one change, where others are in the way.
constexpr int kMostRuns = 6;
constexpr double kLongestRest_ms = 40;

constexpr milliseconds kBetweenUpkeeps = 250ms;
// Who wants a count reads all changes of it that are not added up yet, so these stay few. But a sum is one row, and
// while a transaction is open elsewhere, each change of it steps over all its versions since.
constexpr milliseconds kBetweenSums = 1s;
constexpr milliseconds kBetweenLooks = 1s;  // at what changes slowly
// Changes of counts whose transactions may still be under way when later ones are added up; and how often all are.
constexpr std::int64_t kLateChanges = 10'000;
constexpr std::chrono::minutes kBetweenWholeSums{1};
// Of the advisory lock of the node that makes one.
constexpr std::int64_t kBlockLock = 1447839320;
// Marks of connections that are gone for long, and empty partitions, are removed this often.
constexpr std::chrono::hours kBetweenClearings{1};

constexpr std::string_view kBeginChange = "BEGIN ISOLATION LEVEL READ COMMITTED";
constexpr std::string_view kBeginQuery = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
constexpr std::string_view kNow = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms";

void rest() {
  std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(1 + random_unit() * kLongestRest_ms));
}

// It is the database that failed, not the caller.
bool is_refusal(const Result<>& outcome) {
  return !outcome && (outcome.error().code == Errc::store_failed || outcome.error().code == Errc::store_corrupt);
}

}  // namespace

PgTransaction::PgTransaction(PgConnection& used, std::string_view how, const Clock* clock)
    : connection(used), clock_(clock) {
  std::vector<PgCall> calls;
  calls.emplace_back(how);
  if (clock == nullptr) calls.emplace_back(kNow);
  connection.begin(std::move(calls));
}

WallTime PgTransaction::now() {
  if (now_) return *now_;
  if (clock_ != nullptr) {
    now_ = clock_->now();
  } else {
    std::vector<PgResult> answers = connection.begun();
    now_ = from_unix_ms(!answers.empty() && answers.back().next() ? answers.back().integer("now_ms") : 0);
  }
  return *now_;
}

std::vector<Change> PgTransaction::news() const {
  std::vector<Change> changes;
  for (const UploadId id : uploads_) changes.push_back({.kind = Change::Kind::upload_changed, .upload = id});
  for (const std::int64_t id : callbacks_) changes.push_back({.kind = Change::Kind::callback_changed, .callback = id});
  changes.insert(changes.end(), changes_.begin(), changes_.end());
  return changes;
}

void PgDatabase::publish(const std::vector<Change>& changes) {
  if (options_.feed == nullptr) return;
  for (const Change& change : changes) {
    if (options_.feed->is_followed(change.kind)) options_.feed->publish(change);
  }
  if (news_) news_->tell(changes);
}

Result<std::unique_ptr<PgDatabase>> PgDatabase::open(PgOptions options) {
  if (auto safe = check_encryption(options.url, options.accept_unsafe); !safe) return safe.error();
  std::unique_ptr<PgDatabase> database(new PgDatabase(std::move(options)));
  {
    auto connection = database->pool_.borrow();
    if (!connection) return connection.error();
    if (auto fit = check_server(**connection, database->options_.accept_unsafe); !fit) return fit.error();
    if (auto made = migrate(**connection, postgres_migrations()); !made) return made.error();
  }
  if (database->options_.tell_nodes) {
    database->news_ = std::make_unique<PgNews>(database->pool_, *database->options_.feed);
  }
  database->upkeep_.start("db-upkeep", [self = database.get()] {
    while (!self->upkeep_.stopping()) {
      self->keep_up();
      self->upkeep_.wait_for(kBetweenUpkeeps);
    }
  });
  return database;
}

PgDatabase::PgDatabase(PgOptions options)
    : options_(std::move(options)),
      pool_(options_.url, options_.connections),
      most_open_uploads_(options_.most_open_uploads) {}

PgDatabase::Run PgDatabase::run_change(PgConnection& connection, const Work& change) {
  using End = Run::End;
  const std::unique_ptr<PgConnection, void (*)(PgConnection*)> undo(&connection, [](PgConnection* open) {
    open->roll_back();
    (void)open->take_failure();
  });
  const auto failed = [&] {
    const auto failure = connection.take_failure();
    return Run{failure->again ? End::again : End::refused, failure->error};
  };
  const SteadyTime begun = steady_clock::now();
  PgTransaction transaction(connection, kBeginChange, options_.clock);
  const auto outcome = change(transaction);
  if (connection.failed()) return failed();
  if (!outcome) return {End::refused, outcome.error()};
  transaction.counts.save(transaction.last);
  const std::int64_t number = connection.next_mark();
  add_mark(transaction.last, connection.lane(), number);
  switch (connection.commit(std::move(transaction.last))) {
    case Committed::yes:
      break;
    case Committed::no:
      return failed();
    case Committed::unknown:
      return {End::unknown, {}, connection.lane(), number};
  }
  metrics_.commit_seconds.observe(std::chrono::duration<double>(steady_clock::now() - begun).count());
  metrics_.changes.observe(static_cast<double>(transaction.together));
  transaction.counts.committed(metrics_.entered);
  counts_changed_ = true;
  publish(transaction.news());
  return {End::committed};
}

Result<> PgDatabase::write_noted(const Work& change) {
  auto outcome = write_any(change);
  if (is_refusal(outcome)) metrics_.refused.add();
  note(outcome);
  return outcome;
}

void PgDatabase::note(const Result<>& outcome) {
  const bool refused = is_refusal(outcome);
  if (!refused && !refuses_) return;
  const std::lock_guard lock(mutex_);
  if (refused && !refuses_) refuses_since_ = steady_clock::now();
  if (refused) why_ = outcome.error().message;
  refuses_ = refused;
}

StoreHealth PgDatabase::health() const {
  StoreHealth health;
  const std::lock_guard lock(mutex_);
  if (!refuses_) return health;
  health.refuses_for = std::chrono::floor<std::chrono::seconds>(steady_clock::now() - refuses_since_);
  health.why = why_;
  return health;
}

Result<> PgDatabase::write_any(const Work& change) {
  Run last;
  for (int run = 1; run <= kMostRuns; ++run) {
    if (run > 1) rest();
    {
      auto connection = pool_.borrow();
      if (!connection) return connection.error();
      last = run_change(**connection, change);
    }
    if (last.end == Run::End::unknown) {
      const auto committed = was_committed(last.lane, last.number);
      if (!committed) return committed.error();
      // What it told is lost with its answer; followers look at everything.
      if (*committed) publish(anything());
      if (*committed) return {};
      last.error = {Errc::store_failed, "the connection to the database was lost"};
      continue;
    }
    if (last.end == Run::End::committed) return {};
    if (last.end == Run::End::refused) break;
  }
  return last.error;
}

PgDatabase::Run PgDatabase::run_query(PgConnection& connection, const Work& query) {
  using End = Run::End;
  const std::unique_ptr<PgConnection, void (*)(PgConnection*)> end(&connection, [](PgConnection* open) {
    open->roll_back();
    (void)open->take_failure();
  });
  PgTransaction transaction(connection, kBeginQuery, options_.clock);
  const Result<> outcome = query(transaction);
  if (const auto failure = connection.take_failure())
    return {failure->again ? End::again : End::refused, failure->error};
  if (!outcome) return {End::refused, outcome.error()};
  return {End::committed};
}

Result<> PgDatabase::read_any(const Work& query) {
  Run last;
  for (int run = 1; run <= kMostRuns; ++run) {
    if (run > 1) rest();
    auto connection = pool_.borrow();
    if (!connection) return connection.error();
    last = run_query(**connection, query);
    if (last.end == Run::End::committed) return {};
    if (last.end == Run::End::refused) break;
  }
  return last.error;
}

Result<bool> PgDatabase::was_committed(std::int64_t lane, std::int64_t number) {
  log::warn("the database did not say clearly whether a change is committed; it is looked up");
  const SteadyTime until = steady_clock::now() + kLongestLookUp;
  while (steady_clock::now() < until) {
    if (auto connection = pool_.open_apart()) {
      if (const auto committed = look_up_mark(**connection, lane, number)) return *committed;
    }
    std::this_thread::sleep_for(kBetweenLookUps * (0.5 + random_unit()));
  }
  return Error{Errc::store_failed,
               "the database did not say whether the change was committed; look before you try again"};
}

// While the database refuses changes, this tries one, and finds out that it takes them again.
void PgDatabase::keep_up() {
  if (steady_clock::now() >= sum_ && counts_changed_.exchange(false)) add_up();
  if (steady_clock::now() < look_) return;
  look_ = steady_clock::now() + kBetweenLooks;
  if (refuses_) add_up();
  look_at_schema();
  make_room_for_ids();
  if (steady_clock::now() < clear_) return;
  clear_ = steady_clock::now() + kBetweenClearings;
  for (const auto statement : {sql::kForgetMarks, sql::kDropEmptyBlock}) {
    (void)write([&](PgTransaction& transaction) -> Result<> {
      transaction.connection.run(statement);
      return {};
    });
  }
}

// It begins where it ended the last time: what it has removed lies there until no transaction can see it any more, and
// would be stepped over. A transaction that was under way then may have left rows before that place.
void PgDatabase::add_up() {
  sum_ = steady_clock::now() + kBetweenSums;
  std::int64_t last = added_up_to_;
  if (steady_clock::now() >= add_up_all_) {
    add_up_all_ = steady_clock::now() + kBetweenWholeSums;
    last = 0;
  }
  for (bool more = true; more && !upkeep_.stopping();) {
    const auto added = write(
        [&](PgTransaction& transaction) -> Result<AddedUp> { return add_up_counts(transaction.connection, last); });
    more = added && added->more;
    if (added) last = std::max(last, added->last);
  }
  added_up_to_ = std::max(added_up_to_.load(), last - kLateChanges);
  counts_changed_ = false;  // by ourselves
}

void PgDatabase::look_at_schema() {
  const auto looked = read([](PgTransaction& transaction) -> Result<> {
    return check_readable(transaction.connection, std::ssize(postgres_migrations()));
  });
  if (looked || looked.error().code != Errc::config_invalid) return;
  const std::lock_guard lock(mutex_);
  outdated_ = looked.error();
}

std::optional<Error> PgDatabase::outdated() const {
  const std::lock_guard lock(mutex_);
  return outdated_;
}

void PgDatabase::make_room_for_ids() {
  const auto room = read([](PgTransaction& transaction) -> Result<std::int64_t> {
    auto row = transaction.connection.run(sql::kIdsLeft);
    return row.next() ? row.integer("ids") : kBlockIds;
  });
  if (!room) return note(room.error());
  if (*room >= kBlockIds) return;
  (void)write([](PgTransaction& transaction) -> Result<> {
    auto alone = transaction.connection.run(sql::kTryLock, kBlockLock);
    if (alone.next() && alone.integer("locked") != 0) transaction.connection.run(sql::kMakeBlock, kBlockIds);
    return {};
  });
}

}  // namespace vodlift::postgres
