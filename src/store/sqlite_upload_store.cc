#include "store/sqlite_upload_store.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/hash.h"
#include "store/sqlite_callbacks.h"
#include "store/sqlite_key_rows.h"
#include "store/sqlite_ready_queue.h"
#include "store/sqlite_upload_changes.h"
#include "store/sqlite_upload_queue.h"
#include "store/sqlite_upload_rows.h"
#include "store/sqlite_upload_sql.h"

namespace vodlift::store {
namespace {

constexpr int kMaxFound = 100;
constexpr int kMaxClaim = 1000;
// Rows that one transaction of a sweep takes, so that it holds nobody up for long.
constexpr int kRescueStep = 100;
constexpr int kForgetStep = 2000;

std::vector<UploadId> newest_of(SqliteConnection& connection, AccountId account, const UploadQuery& query) {
  std::vector<UploadId> ids;
  const int limit = std::clamp(query.limit, 1, kMaxFound);
  const std::int64_t offset = std::max<std::int64_t>(query.offset, 0);
  const bool narrowed = query.scope != KeyScope{};
  const std::string buckets = texts_to_json(query.scope.buckets);  // as long as the statement that it is bound to
  int states = 0;
  for (const UploadState state : sql::kStates) {
    if (query.states.empty() || std::ranges::find(query.states, state) != query.states.end())
      states |= sql::bit_of(state);
  }
  auto row = connection.prepare(narrowed ? sql::kNewestInScope : sql::kNewestOfAccount);
  row.bind(account, limit, offset, query.scope.path_prefix, buckets, states);
  while (row.step()) ids.push_back(row.integer(0));
  return ids;
}

bool is_wanted(const Upload& upload, const UploadQuery& query) {
  const bool in_state = query.states.empty() || std::ranges::find(query.states, upload.state) != query.states.end();
  return in_state && query.scope.holds(upload.request);
}

std::vector<UploadId> newest_first(std::vector<UploadId> ids) {
  std::sort(ids.begin(), ids.end(), std::greater<>());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

// What is kept of a signed request: enough to know it again, not enough to send it again.
RequestSignature digest_of(const RequestSignature& signature) {
  if (signature.mac.empty()) return {};
  const Sha256Digest digest = sha256(bytes_of(signature.mac));
  return {signature.timestamp, {digest.begin(), digest.end()}};
}

}  // namespace

class SqliteUploadStore::Insert final : public WriteOperation {
 public:
  Insert(SqliteUploadStore& store, NewUpload upload, InsertDone done)
      : store_(store), upload_(std::move(upload)), texts_(texts_of(upload_)), done_(std::move(done)) {}

  Result<> run(SqliteConnection& connection) override {
    outcome_ = insert_or_find(connection, upload_, texts_);
    if (!outcome_) return outcome_.error();
    return {};
  }

  void done(Result<> outcome) override {
    if (!outcome) {
      done_(outcome.error());
      return;
    }
    const bool added = !outcome_->repeated;
    done_(std::move(outcome_));
    if (added) store_.wake_uploads();
  }

 private:
  SqliteUploadStore& store_;
  const NewUpload upload_;
  const UploadTexts texts_;
  const InsertDone done_;
  Result<InsertOutcome> outcome_ = Error{};
};

class SqliteUploadStore::Finish final : public WriteOperation {
 public:
  Finish(SqliteUploadStore& store, const Lease& lease, Ending ending, FinishDone done)
      : store_(store), lease_(lease), ending_(std::move(ending)), done_(std::move(done)) {}

  Result<> run(SqliteConnection& connection) override {
    followed_ = store_.end(connection, lease_, ending_);
    if (!followed_) return followed_.error();
    return {};
  }

  void done(Result<> outcome) override {
    const bool made = outcome.has_value();
    done_(std::move(outcome));
    if (made) store_.wake(*followed_);
  }

  [[nodiscard]] bool patient() const override { return true; }

 private:
  SqliteUploadStore& store_;
  const Lease lease_;
  const Ending ending_;
  const FinishDone done_;
  Result<Followed> followed_ = Error{};
};

SqliteUploadStore::SqliteUploadStore(SqliteDatabase& database, const Clock& clock, CallbackBody body)
    : database_(database), clock_(clock), body_(std::move(body)) {}

SqliteUploadStore::~SqliteUploadStore() { database_.drain(); }

void SqliteUploadStore::insert(NewUpload upload, InsertDone done) {
  upload.signature = digest_of(upload.signature);
  database_.post(std::make_unique<Insert>(*this, std::move(upload), std::move(done)));
}

Result<std::optional<UploadId>> SqliteUploadStore::find_repeat(std::int64_t key_id, const RequestSignature& signature) {
  const RequestSignature digest = digest_of(signature);
  return database_.read([&](SqliteConnection& connection) -> Result<std::optional<UploadId>> {
    return find_signature(connection, key_id, digest);
  });
}

Result<std::vector<Upload>> SqliteUploadStore::find(AccountId account, const UploadQuery& query) {
  return database_.read([&](SqliteConnection& connection) -> Result<std::vector<Upload>> {
    const auto ids = query.ids.empty() ? newest_of(connection, account, query) : newest_first(query.ids);
    std::vector<Upload> found;
    for (const UploadId id : ids) {
      auto stored = load_upload(connection, id);
      if (stored && stored->upload.account == account && is_wanted(stored->upload, query))
        found.push_back(std::move(stored->upload));
    }
    return found;
  });
}

Result<std::vector<ClaimedUpload>> SqliteUploadStore::claim(const Places& places, std::chrono::milliseconds lease) {
  return database_.write([&](SqliteConnection& connection) -> Result<std::vector<ClaimedUpload>> {
    const WallTime now = clock_.now();
    end_delays(connection, now);
    SqliteReadyQueue ready(connection, now, now + lease);
    // Should the commit fail, the share has charged for nothing: a matter of one turn.
    fair_share_.fill(ready, {std::min(places.all, kMaxClaim), places.large});
    return std::move(ready).claimed();
  });
}

Result<std::vector<ReadyAccount>> SqliteUploadStore::ready_accounts(int limit) {
  return database_.read([&](SqliteConnection& connection) -> Result<std::vector<ReadyAccount>> {
    return store::ready_accounts(connection, std::clamp(limit, 0, kMaxFound));
  });
}

Result<Upload> SqliteUploadStore::change(const ChangeRequest& request) {
  ChangeRequest kept = request;
  kept.signature = digest_of(request.signature);
  auto changed = database_.write([&](SqliteConnection& connection) -> Result<Changed> {
    return change_upload(connection, kept, clock_.now(), body_);
  });
  if (!changed) return changed.error();
  if (changed->recalled && recall_) recall_(*changed->recalled);
  wake_all();
  return std::move(changed->upload);
}

Result<std::vector<HeldLease>> SqliteUploadStore::renew(const std::vector<Lease>& leases,
                                                        std::chrono::milliseconds lease) {
  return database_.write([&](SqliteConnection& connection) -> Result<std::vector<HeldLease>> {
    return renew_leases(connection, leases, clock_.now() + lease);
  });
}

Result<> SqliteUploadStore::record_multipart(const Lease& lease, const MultipartJournal& journal) {
  return database_.write([&](SqliteConnection& connection) { return restart_journal(connection, lease, journal); });
}

Result<> SqliteUploadStore::record_part(const Lease& lease, const Part& part) {
  return database_.write([&](SqliteConnection& connection) { return add_part(connection, lease, part); });
}

Result<> SqliteUploadStore::finish(const Lease& lease, const Ending& ending) {
  const auto followed = database_.write([&](SqliteConnection& connection) { return end(connection, lease, ending); });
  if (!followed) return followed.error();
  wake(*followed);
  return {};
}

void SqliteUploadStore::finish_soon(const Lease& lease, Ending ending, FinishDone done) {
  database_.post(std::make_unique<Finish>(*this, lease, std::move(ending), std::move(done)));
}

Result<Followed> SqliteUploadStore::end(SqliteConnection& connection, const Lease& lease, const Ending& ending) {
  if (ending.size > kLargeUploadBytes) settle_turn(connection, lease, fair_share_);
  return end_upload(connection, lease, ending, clock_.now(), body_);
}

Result<> SqliteUploadStore::requeue(const Lease& lease, WallTime next_attempt, const std::optional<UploadError>& error,
                                    bool counts) {
  auto put_back = database_.write([&](SqliteConnection& connection) {
    settle_turn(connection, lease, fair_share_);
    return store::requeue(connection, lease, next_attempt, error, counts, clock_.now(), body_);
  });
  if (put_back) wake_all();
  return put_back;
}

Result<int> SqliteUploadStore::rescue(bool all, int max_crashes) {
  const WallTime now = clock_.now();
  const WallTime expired = all ? from_unix_ms(std::numeric_limits<std::int64_t>::max()) : now;
  int rescued = 0;
  for (;;) {
    auto step = database_.write([&](SqliteConnection& connection) -> Result<int> {
      if (all) release_callbacks(connection, now);
      return rescue_expired(connection, expired, max_crashes, kRescueStep, now, body_);
    });
    if (!step) return step.error();
    rescued += *step;
    if (*step < kRescueStep) break;
  }
  if (rescued > 0 || all) wake_all();
  return rescued;
}

Result<std::vector<ClaimedCallback>> SqliteUploadStore::claim_callbacks(int limit, std::chrono::milliseconds lease) {
  return database_.write([&](SqliteConnection& connection) -> Result<std::vector<ClaimedCallback>> {
    const WallTime now = clock_.now();
    return claim_due_callbacks(connection, std::clamp(limit, 0, kMaxClaim), now, now + lease);
  });
}

Result<> SqliteUploadStore::record_callback(const ClaimedCallback& callback, const CallbackAttempt& attempt) {
  auto recorded =
      database_.write([&](SqliteConnection& connection) { return record_attempt(connection, callback, attempt); });
  if (recorded) wake({.successor = false, .callback = true});
  return recorded;
}

Result<int> SqliteUploadStore::forget_signatures(WallTime before) {
  int forgotten = 0;
  for (;;) {
    auto step = database_.write([&](SqliteConnection& connection) -> Result<int> {
      return store::forget_signatures(connection, before, kForgetStep);
    });
    if (!step) return step.error();
    forgotten += *step;
    if (*step < kForgetStep) return forgotten;
  }
}

Result<std::optional<WallTime>> SqliteUploadStore::next_due() {
  return database_.read([](SqliteConnection& connection) -> Result<std::optional<WallTime>> {
    const auto upload = next_upload_due(connection);
    const auto callback = next_callback_due(connection);
    if (upload && callback) return std::min(*upload, *callback);
    return upload ? upload : callback;
  });
}

void SqliteUploadStore::on_work(std::function<void()> wake_uploads, std::function<void()> wake_callbacks) {
  wake_uploads_ = std::move(wake_uploads);
  wake_callbacks_ = std::move(wake_callbacks);
}

void SqliteUploadStore::on_recall(std::function<void(const Lease&)> recall) { recall_ = std::move(recall); }

}  // namespace vodlift::store
