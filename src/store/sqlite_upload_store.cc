#include "store/sqlite_upload_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>
#include <variant>

#include "core/store_rules.h"
#include "core/upload_decisions.h"
#include "core/upload_log.h"
#include "store/sqlite_account_rows.h"
#include "store/sqlite_statements.h"
#include "store/sqlite_upload_lifecycle.h"
#include "store/sqlite_upload_rows.h"
#include "store/statistics_statements.h"
#include "store/upload_search.h"

namespace vodlift::store {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

// How many uploads one transaction wakes, so that it holds nobody up for long.
constexpr int kWakeStep = 1000;
constexpr milliseconds kBetweenForgettings = 15s;
// Rows that one transaction removes, so that it holds nobody up for long.
constexpr int kForgetStep = 2000;

std::vector<UploadId> newest_of_all(SqliteConnection& connection, const UploadQuery& query) {
  std::vector<UploadId> ids;
  const int limit = std::clamp(query.limit, 1, kMaxFound);
  const std::int64_t offset = std::max<std::int64_t>(query.offset, 0);
  std::vector<std::string> states;
  for (const UploadState state : query.states) states.emplace_back(to_string(state));
  const std::string words = texts_to_json(states);  // as long as the statement that it is bound to
  auto row = connection.prepare(states.empty() ? sql::kNewestOfAll : sql::kNewestOfAllInStates);
  states.empty() ? row.bind(limit, offset) : row.bind(limit, offset, words);
  while (row.step()) ids.push_back(row.integer("id"));
  return ids;
}

std::optional<WallTime> oldest_queued(SqliteConnection& connection, std::optional<AccountId> account) {
  std::vector<AccountId> accounts;
  if (account) accounts.push_back(*account);
  if (!account) {
    auto row = connection.prepare(sql::kQueuedCounts);
    while (row.step()) {
      if (std::ssize(accounts) == kMostQueuesLookedAt) return std::nullopt;
      accounts.push_back(row.integer("account"));
    }
  }
  std::optional<WallTime> oldest;
  for (const AccountId one : accounts) {
    auto row = connection.prepare(sql::kOldestQueued);
    row.bind(one);
    if (!row.step()) continue;
    const WallTime created = from_unix_ms(row.integer("created_ms"));
    if (!oldest || created < *oldest) oldest = created;
  }
  return oldest;
}

// Counts the rows of a statement about what is ready.
void count_ready(SqliteStatement& row, ReadyUploads& ready) {
  while (row.step() && add_ready(ready, from_unix_ms(row.integer("next_attempt_ms")), row.integer("rest"))) {
  }
}

std::optional<UploadId> find_signature(SqliteConnection& connection, std::int64_t key_id,
                                       const RequestSignature& signature) {
  auto row = connection.prepare(sql::kFindSignature);
  row.bind(signature.timestamp, key_id, Blob{signature.mac});
  if (!row.step()) return std::nullopt;
  return row.integer("upload_id");
}

void keep_signature(SqliteConnection& connection, std::int64_t key_id, const RequestSignature& signature, UploadId id) {
  connection.prepare(sql::kInsertSignature).bind(signature.timestamp, key_id, Blob{signature.mac}, id).run();
}

// The newest upload to the same object that has not ended: the end of the object's chain. The transaction is the
// object's lock: no other insert or end can come in between.
std::optional<UploadId> chain_end(SqliteConnection& connection, const NewUpload& upload) {
  auto open = connection.prepare(sql::kFindOpenTarget);
  open.bind(upload.account, upload.request.bucket, upload.request.destination_path);
  if (!open.step()) return std::nullopt;
  return open.integer("id");
}

// The request was checked against the accounts in memory. Its bucket or key may have been removed after that check.
Result<> check_not_removed(SqliteConnection& connection, const NewUpload& upload) {
  if (!connection.prepare(sql::kIsBucket).bind(upload.account, upload.request.bucket).step()) {
    return no_such_bucket(upload.request.bucket);
  }
  if (upload.key_id != 0 && !connection.prepare(sql::kIsKey).bind(upload.key_id).step()) {
    return key_is_removed();
  }
  return {};
}

// Carries out a step of `request` on an upload that is `stored`.
Result<> carry_out(SqliteConnection& connection, ChangeStep step, const ChangeRequest& request,
                   const StoredUpload& stored, const SqliteQueue& queue) {
  const UploadId id = stored.upload.id;
  const auto want = [&](Wanted wanted) { connection.prepare(sql::kWant).bind(id, to_string(wanted)).run(); };
  switch (step) {
    case ChangeStep::cancel:
      cancel_waiting(connection, id, queue);
      break;
    case ChangeStep::pause:
      return pause_queued(connection, id, stored.upload.account, stored.upload.size, queue);
    case ChangeStep::resume:
      connection.prepare(sql::kResume).bind(id).run();
      queue.database.upload_counts().move(stored.upload.account, UploadState::paused, UploadState::queued,
                                          stored.upload.size);
      break;
    case ChangeStep::run_now:
      connection.prepare(sql::kRetryNow).bind(id).run();
      break;
    case ChangeStep::prioritize:
      connection.prepare(sql::kSetPriority).bind(id, request.priority).run();
      break;
    case ChangeStep::want_cancel:
      want(Wanted::cancel);
      break;
    case ChangeStep::want_pause:
      want(Wanted::pause);
      break;
    case ChangeStep::want_nothing:
      want(Wanted::nothing);
      break;
  }
  return {};
}

Result<Upload> reload(SqliteConnection& connection, UploadId id) {
  auto stored = load_upload(connection, id);
  if (!stored) return Error{Errc::internal, fmt::format("upload {} cannot be read", id)};
  return std::move(stored->upload);
}

}  // namespace

class SqliteUploadStore::Insert final : public WriteOperation {
 public:
  Insert(SqliteUploadStore& store, NewUpload upload, InsertDone done)
      : store_(store), upload_(std::move(upload)), texts_(texts_of(upload_)), done_(std::move(done)) {}

  Result<> run(SqliteConnection& connection) override {
    outcome_ = {};
    const bool is_signed = !upload_.signature.mac.empty();
    if (is_signed) {
      if (const auto first = find_signature(connection, upload_.key_id, upload_.signature)) {
        outcome_ = {*first, true};
        return {};
      }
    }
    if (!store_.queue_.database.has_room()) {
      return Error{Errc::store_failed, "the database's disk is full: nothing was queued"};
    }
    if (store_.queue_.database.was_removed_lately()) {
      if (auto there = check_not_removed(connection, upload_); !there) return there;
    }
    UploadCounts& counts = store_.queue_.database.upload_counts();
    if (counts.is_full(upload_.account)) return too_many_open_uploads(upload_.account, counts.most_open());
    outcome_.id = insert_upload(connection, upload_, texts_, chain_end(connection, upload_), store_.queue_.clock.now());
    store_.queue_.database.gives(outcome_.id);
    if (upload_.retry_of != 0) {
      connection.prepare(sql::kSetRetriedAs).bind(upload_.retry_of, outcome_.id, upload_.account).run();
    }
    counts.add(upload_.account, UploadState::queued, upload_.size);
    if (is_signed) keep_signature(connection, upload_.key_id, upload_.signature, outcome_.id);
    return {};
  }

  void done(Result<> outcome) override {
    if (!outcome) return done_(outcome.error());
    done_(outcome_);  // first: the client waits for its answer
    if (outcome_.repeated) return;
    tell_queued(upload_, outcome_.id);
    store_.queue_.feed.publish({Change::Kind::uploads_due, upload_.account, outcome_.id});
    store_.forget_signatures_if_due();
  }

 private:
  SqliteUploadStore& store_;
  const NewUpload upload_;
  const UploadTexts texts_;
  const InsertDone done_;
  InsertOutcome outcome_;
};

class SqliteUploadStore::ForgetSignatures final : public WriteOperation {
 public:
  explicit ForgetSignatures(SqliteUploadStore& store) : store_(store) {}

  Result<> run(SqliteConnection& connection) override {
    const WallTime before = store_.queue_.clock.now() - kKeepSignatures;
    connection.prepare(sql::kForgetSignatures).bind(to_unix_seconds(before), kForgetStep).run();
    full_ = connection.changes() == kForgetStep;
    return {};
  }

  // The writer has reported an error; the next insert tries again.
  void done(Result<> outcome) override {
    if (outcome && full_) store_.queue_.database.post(std::make_unique<ForgetSignatures>(store_));
  }

  [[nodiscard]] bool patient() const override { return true; }

 private:
  SqliteUploadStore& store_;
  bool full_ = false;
};

SqliteUploadStore::SqliteUploadStore(SqliteQueue queue)
    : queue_(std::move(queue)), clock_watch_(queue_.clock, queue_.uptime) {}

SqliteUploadStore::~SqliteUploadStore() { queue_.database.drain(); }

void SqliteUploadStore::insert(NewUpload upload, InsertDone done) {
  upload.signature = stored_digest(upload.signature);
  queue_.database.post(std::make_unique<Insert>(*this, std::move(upload), std::move(done)));
}

void SqliteUploadStore::forget_signatures_if_due() {
  const milliseconds now = queue_.uptime();
  if (now < forget_due_) return;
  forget_due_ = now + kBetweenForgettings;
  clock_watch_.look();
  if (clock_watch_.steady_for() < kKeepSignatures) return;
  queue_.database.post(std::make_unique<ForgetSignatures>(*this));
}

Result<std::optional<UploadId>> SqliteUploadStore::find_repeat(std::int64_t key_id, const RequestSignature& signature) {
  const RequestSignature digest = stored_digest(signature);
  return queue_.database.read([&](SqliteConnection& connection) -> Result<std::optional<UploadId>> {
    return find_signature(connection, key_id, digest);
  });
}

Result<std::vector<Upload>> SqliteUploadStore::find(AccountId account, const UploadQuery& query) {
  return queue_.database.read([&](SqliteConnection& connection) -> Result<std::vector<Upload>> {
    const auto ids = query.ids.empty() ? lists_.newest(connection, account, query) : newest_first(query.ids);
    std::vector<Upload> found;
    for (const UploadId id : ids) {
      auto stored = load_upload(connection, id);
      if (stored && stored->upload.account == account && is_wanted(stored->upload, query))
        found.push_back(std::move(stored->upload));
    }
    return found;
  });
}

Result<std::vector<Upload>> SqliteUploadStore::find_in_all(const UploadQuery& query) {
  return queue_.database.read([&](SqliteConnection& connection) -> Result<std::vector<Upload>> {
    const auto ids = query.ids.empty() ? newest_of_all(connection, query) : newest_first(query.ids);
    std::vector<Upload> found;
    for (const UploadId id : ids) {
      auto stored = load_upload(connection, id);
      if (stored && is_wanted(stored->upload, query)) found.push_back(std::move(stored->upload));
    }
    return found;
  });
}

Result<UploadPage> SqliteUploadStore::search(const UploadSearch& search) {
  return queue_.database.read(
      [&](SqliteConnection& connection) -> Result<UploadPage> { return search_uploads(connection, search); });
}

// Each priority has a part of the index, and so has each account in it, twice: for large and for small files.
Result<QueueState> SqliteUploadStore::queue(std::optional<AccountId> account) {
  return queue_.database.read([&](SqliteConnection& connection) -> Result<QueueState> {
    QueueState state;
    state.oldest = oldest_queued(connection, account);
    for (int priority = kMaxPriority; priority >= 0; --priority) {
      ReadyUploads ready;
      ready.priority = priority;
      if (account) {
        for (const bool large : {false, true}) {
          auto row = connection.prepare(sql::kReadyOfAccount);
          row.bind(priority, kMostReadyLookedAt + 1, large, *account);
          count_ready(row, ready);
        }
      } else {
        auto row = connection.prepare(sql::kReady);
        row.bind(priority, kMostReadyLookedAt + 1);
        count_ready(row, ready);
      }
      if (ready.uploads > 0) state.ready.push_back(ready);
    }
    return state;
  });
}

Result<std::vector<UploadCount>> SqliteUploadStore::counts() {
  return queue_.database.read([](SqliteConnection& connection) -> Result<std::vector<UploadCount>> {
    std::vector<UploadCount> counts;
    auto row = connection.prepare(sql::kCounts);
    while (row.step()) {
      const std::int64_t bytes = row.integer("bytes");
      const auto state = upload_state_from(row.text("state"));
      if (!state) continue;
      counts.push_back({row.integer("account"), *state, row.integer("uploads"),
                        bytes < 0 ? std::numeric_limits<std::int64_t>::max() : bytes});
    }
    return counts;
  });
}

Result<int> SqliteUploadStore::wake(AccountId account, const std::string& bucket) {
  int woken = 0;
  for (int step = kWakeStep; step == kWakeStep; woken += step) {
    const auto done = queue_.database.write([&](SqliteConnection& connection) -> Result<int> {
      connection.prepare(sql::kWakeBucket).bind(account, bucket, kWakeStep).run();
      return static_cast<int>(connection.changes());
    });
    if (!done) return done.error();
    step = *done;
  }
  if (woken > 0) queue_.feed.publish({Change::Kind::uploads_due, account});
  return woken;
}

Result<ChangeOutcome> SqliteUploadStore::change(const ChangeRequest& request) {
  const RequestSignature signature = stored_digest(request.signature);
  const bool is_signed = !signature.mac.empty();
  bool recalled = false;
  auto outcome = queue_.database.write([&](SqliteConnection& connection) -> Result<ChangeOutcome> {
    recalled = false;
    const auto first = is_signed ? find_signature(connection, request.key_id, signature) : std::nullopt;
    const auto stored = load_upload(connection, first.value_or(request.id));
    if (!stored || stored->upload.account != request.account || !request.scope.holds(stored->upload.request)) {
      return no_such_upload();
    }
    if (first) return ChangeOutcome{stored->upload};
    const auto held = held_upload(connection, {request.id, stored->fence});
    const Wanted wanted = held ? held->wanted : Wanted::nothing;
    const auto decision = decide_change(stored->upload.state, wanted, request.change);
    if (const auto* refusal = std::get_if<ChangeRefusal>(&decision)) return ChangeOutcome{stored->upload, *refusal};
    const auto step = std::get<ChangeStep>(decision);
    if (auto made = carry_out(connection, step, request, *stored, queue_); !made) return made.error();
    if (is_signed) keep_signature(connection, request.key_id, signature, request.id);
    recalled = step == ChangeStep::want_cancel || step == ChangeStep::want_pause;
    auto changed = reload(connection, request.id);
    if (!changed) return changed.error();
    return ChangeOutcome{std::move(*changed)};
  });
  if (!outcome || outcome->refusal) return outcome;
  if (recalled) queue_.feed.publish({Change::Kind::upload_recalled, request.account, request.id});
  queue_.feed.publish({Change::Kind::uploads_due, request.account, request.id});
  queue_.feed.publish({Change::Kind::callbacks_due, request.account, request.id});
  return outcome;
}

}  // namespace vodlift::store
