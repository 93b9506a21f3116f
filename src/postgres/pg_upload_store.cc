#include "postgres/pg_upload_store.h"

#include <fmt/format.h>

#include <limits>
#include <utility>
#include <variant>

#include "core/store_rules.h"
#include "core/upload_decisions.h"
#include "core/upload_log.h"
#include "core/upload_request.h"
#include "postgres/pg_upload_lifecycle.h"
#include "postgres/pg_upload_lists.h"
#include "postgres/pg_upload_rows.h"
#include "postgres/upload_statements.h"

namespace vodlift::postgres {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

// How many uploads one transaction wakes, so that it holds nobody up for long.
constexpr int kAcceptThreads = 2;  // a server works on one core for each connection
constexpr int kWakeStep = 1000;
constexpr milliseconds kBetweenForgettings = 15s;
// Rows that one transaction removes, for the same reason.
constexpr int kForgetStep = 2000;

std::optional<WallTime> oldest_queued(PgConnection& connection, std::optional<AccountId> account) {
  std::vector<std::int64_t> accounts;
  if (account) {
    accounts.push_back(*account);
  } else {
    auto row = connection.run(sql::kQueuedAccounts, kMostQueuesLookedAt + 1);
    while (row.next()) accounts.push_back(row.integer("account"));
    if (std::ssize(accounts) > kMostQueuesLookedAt) return std::nullopt;
  }
  auto row = connection.run(sql::kOldestQueued, accounts);
  return row.next() ? row.optional_time("created_ms") : std::nullopt;
}

void count_ready(PgResult row, ReadyUploads& ready) {
  while (row.next() && add_ready(ready, from_unix_ms(row.integer("next_attempt_ms")), row.integer("rest"))) {
  }
}

// Carries out a step of `request` on an upload that is locked.
Result<> carry_out(PgTransaction& transaction, ChangeStep step, const ChangeRequest& request, const OpenUpload& open,
                   const PgQueue& queue) {
  PgConnection& connection = transaction.connection;
  transaction.changed_upload(open.id);
  switch (step) {
    case ChangeStep::cancel:
      cancel_waiting(transaction, open, queue);
      break;
    case ChangeStep::pause:
      return pause_queued(transaction, open);
    case ChangeStep::resume:
      connection.run(sql::kResume, open.id);
      transaction.counts.move(open.account, UploadState::paused, UploadState::queued, open.size);
      break;
    case ChangeStep::run_now:
      connection.run(sql::kRetryNow, open.id);
      break;
    case ChangeStep::prioritize:
      connection.run(sql::kSetPriority, open.id, request.priority);
      break;
    case ChangeStep::want_cancel:
      connection.run(sql::kWant, open.id, to_string(Wanted::cancel));
      break;
    case ChangeStep::want_pause:
      connection.run(sql::kWant, open.id, to_string(Wanted::pause));
      break;
    case ChangeStep::want_nothing:
      connection.run(sql::kWant, open.id, to_string(Wanted::nothing));
      break;
  }
  return {};
}

// Keeps the signature of a change. The upload of the first answer, where the same signed bytes came before.
std::optional<UploadId> keep_signature(PgConnection& connection, std::int64_t key_id, const RequestSignature& digest,
                                       UploadId id) {
  if (digest.mac.empty()) return std::nullopt;
  auto kept = connection.run(sql::kInsertSignatures, std::vector{digest.timestamp}, std::vector{key_id},
                             std::vector{Bytes{digest.mac}}, std::vector{std::optional(id)});
  if (kept.next()) return std::nullopt;
  return find_signature(connection, key_id, digest);
}

std::optional<Upload> load_one(PgConnection& connection, UploadId id) {
  auto found = load_uploads(connection, {id});
  if (found.empty()) return std::nullopt;
  return std::move(found.front().upload);
}

}  // namespace

PgUploadStore::PgUploadStore(PgQueue queue)
    : queue_(std::move(queue)),
      inserts_("db-accept", kAcceptThreads, queue_.database.metrics().waiting,
               [this](std::span<const InsertJob> jobs) { return insert_group(jobs); }) {}

void PgUploadStore::insert(NewUpload upload, InsertDone done) {
  upload.signature = stored_digest(upload.signature);
  UploadTexts texts = texts_of(upload);
  inserts_.post({std::move(upload), std::move(texts)}, std::move(done));
}

Result<std::vector<Result<InsertOutcome>>> PgUploadStore::insert_group(std::span<const InsertJob> jobs) {
  WallTime now{};
  auto answers = queue_.database.write([&](PgTransaction& transaction) -> Result<std::vector<Result<InsertOutcome>>> {
    transaction.together = jobs.size();
    auto inserted = insert_uploads(
        transaction, jobs, {queue_.database.most_open_uploads(), queue_.database.added_up_to()}, recent_counts_);
    now = transaction.now();
    return inserted;
  });
  if (!answers) return answers;
  for (std::size_t at = 0; at < jobs.size(); ++at) {
    const Result<InsertOutcome>& one = (*answers)[at];
    if (one && !one->repeated) tell_queued(jobs[at].upload, one->id);
  }
  forget_signatures_if_due(now);
  return answers;
}

void PgUploadStore::forget_signatures_if_due(WallTime now) {
  const std::unique_lock turn(forgetting_, std::try_to_lock);
  if (!turn) return;
  database_clock_.set(now);
  const milliseconds uptime = queue_.uptime();
  if (!clock_watch_) clock_watch_.emplace(database_clock_, queue_.uptime);
  if (uptime < forget_due_) return;
  forget_due_ = uptime + kBetweenForgettings;
  clock_watch_->look();
  if (clock_watch_->steady_for() < kKeepSignatures) return;
  for (bool full = true; full;) {
    const auto removed = queue_.database.write([](PgTransaction& transaction) -> Result<std::int64_t> {
      const std::int64_t before = to_unix_seconds(transaction.now() - kKeepSignatures);
      return transaction.connection.run(sql::kForgetSignatures, before, kForgetStep).changes();
    });
    full = removed && *removed == kForgetStep;
  }
}

Result<std::optional<UploadId>> PgUploadStore::find_repeat(std::int64_t key_id, const RequestSignature& signature) {
  const RequestSignature digest = stored_digest(signature);
  const auto look = [&](PgTransaction& transaction) -> Result<std::optional<UploadId>> {
    return find_signature(transaction.connection, key_id, digest);
  };
  auto found = queue_.database.read(look);
  if (!found || !*found) return found;
  // A synchronous standby may lack what can be seen. A clear commit of our own, which comes after it, says that it does
  // not.
  return queue_.database.write(look);
}

Result<std::vector<Upload>> PgUploadStore::find(AccountId account, const UploadQuery& query) {
  return find_any(account, query);
}

Result<std::vector<Upload>> PgUploadStore::find_in_all(const UploadQuery& query) {
  return find_any(std::nullopt, query);
}

Result<std::vector<Upload>> PgUploadStore::find_any(std::optional<AccountId> account, const UploadQuery& query) {
  return queue_.database.read([&](PgTransaction& transaction) -> Result<std::vector<Upload>> {
    PgConnection& connection = transaction.connection;
    const auto ids = query.ids.empty() ? newest_uploads(connection, account, query) : newest_first(query.ids);
    std::vector<Upload> found;
    for (StoredUpload& stored : load_uploads(connection, ids)) {
      const bool theirs = !account || stored.upload.account == *account;
      if (theirs && is_wanted(stored.upload, query)) found.push_back(std::move(stored.upload));
    }
    return found;
  });
}

Result<UploadPage> PgUploadStore::search(const UploadSearch& search) {
  return queue_.database.read(
      [&](PgTransaction& transaction) -> Result<UploadPage> { return search_uploads(transaction.connection, search); });
}

Result<std::vector<UploadCount>> PgUploadStore::counts() {
  return queue_.database.read([](PgTransaction& transaction) -> Result<std::vector<UploadCount>> {
    std::vector<UploadCount> counts;
    auto row = transaction.connection.run(sql::kCounts);
    while (row.next()) {
      const auto state = upload_state_from(row.text("state"));
      if (state) counts.push_back({row.integer("account"), *state, row.integer("uploads"), row.integer("bytes")});
    }
    return counts;
  });
}

// Each priority has a part of the index, and so has each account in it, twice: for large and for small files.
Result<QueueState> PgUploadStore::queue(std::optional<AccountId> account) {
  return queue_.database.read([&](PgTransaction& transaction) -> Result<QueueState> {
    PgConnection& connection = transaction.connection;
    QueueState state;
    state.oldest = oldest_queued(connection, account);
    for (int priority = kMaxPriority; priority >= 0; --priority) {
      ReadyUploads ready;
      ready.priority = priority;
      const int most = kMostReadyLookedAt + 1;
      if (account) {
        for (const bool large : {false, true}) {
          count_ready(connection.run(sql::kReadyOfAccount, priority, most, large, *account), ready);
        }
      } else {
        count_ready(connection.run(sql::kReady, priority, most), ready);
      }
      if (ready.uploads > 0) state.ready.push_back(ready);
    }
    if (account) return state;
    auto row = connection.run(sql::kStoragesNowhere, to_unix_ms(transaction.now() - kNodeLostAfter), queue_.self.node);
    while (row.next()) state.nowhere.push_back(row.text("storage"));
    return state;
  });
}

Result<int> PgUploadStore::wake(AccountId account, const std::string& bucket) {
  int woken = 0;
  for (int step = kWakeStep; step == kWakeStep; woken += step) {
    const auto done = queue_.database.write([&](PgTransaction& transaction) -> Result<int> {
      auto row = transaction.connection.run(sql::kWakeBucket, account, Bytes{bucket}, kWakeStep);
      while (row.next()) transaction.changed_upload(row.integer("id"));
      return static_cast<int>(row.changes());
    });
    if (!done) return done.error();
    step = *done;
  }
  if (woken > 0) queue_.feed.publish({Change::Kind::uploads_due, account});
  return woken;
}

Result<ChangeOutcome> PgUploadStore::change(const ChangeRequest& request) {
  const RequestSignature digest = stored_digest(request.signature);
  return queue_.database.write([&](PgTransaction& transaction) -> Result<ChangeOutcome> {
    PgConnection& connection = transaction.connection;
    const auto reachable = [&](UploadId id) -> Result<Upload> {
      auto upload = load_one(connection, id);
      if (!upload || upload->account != request.account || !request.scope.holds(upload->request))
        return no_such_upload();
      return std::move(*upload);
    };
    if (const auto first = digest.mac.empty() ? std::nullopt : find_signature(connection, request.key_id, digest)) {
      auto upload = reachable(*first);
      if (!upload) return upload.error();
      return ChangeOutcome{std::move(*upload)};
    }
    const auto locked = lock_open(connection, {request.id});
    auto upload = reachable(request.id);
    if (!upload) return upload.error();
    const Wanted wanted = locked.empty() ? Wanted::nothing : locked.front().wanted;
    const auto decision = decide_change(upload->state, wanted, request.change);
    if (const auto* refusal = std::get_if<ChangeRefusal>(&decision)) return ChangeOutcome{std::move(*upload), *refusal};
    const auto step = std::get<ChangeStep>(decision);
    if (const auto first = keep_signature(connection, request.key_id, digest, request.id)) {
      upload = reachable(*first);
      if (!upload) return upload.error();
      return ChangeOutcome{std::move(*upload)};
    }
    if (locked.empty()) return Error{Errc::internal, fmt::format("upload {} cannot be changed", request.id)};
    if (auto made = carry_out(transaction, step, request, locked.front(), queue_); !made) return made.error();
    if (step == ChangeStep::want_cancel || step == ChangeStep::want_pause) {
      transaction.tell({Change::Kind::upload_recalled, request.account, request.id});
    }
    transaction.tell({Change::Kind::uploads_due, request.account, request.id});
    transaction.tell({Change::Kind::callbacks_due, request.account, request.id});
    auto changed = load_one(connection, request.id);
    if (!changed) return Error{Errc::internal, fmt::format("upload {} cannot be read", request.id)};
    return ChangeOutcome{std::move(*changed)};
  });
}

}  // namespace vodlift::postgres
