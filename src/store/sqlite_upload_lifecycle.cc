#include "store/sqlite_upload_lifecycle.h"

#include <fmt/format.h>

#include "core/store_rules.h"
#include "store/sqlite_attempt_history.h"
#include "store/sqlite_callback_queue.h"
#include "store/sqlite_multipart_journal.h"
#include "store/sqlite_statements.h"

namespace vodlift::store {
namespace {

std::optional<std::string_view> optional_word(const std::optional<Acl>& acl) {
  if (!acl) return std::nullopt;
  return to_string(*acl);
}

// Lets the next upload to the same object run, or wait for the upload that this one waits for. Answers whether there is
// one. Called when nothing waits on this upload's own row any more.
bool release_successor(SqliteConnection& connection, UploadId id, std::optional<UploadId> waiting_on) {
  connection.prepare(sql::kReleaseSuccessor).bind(id, waiting_on).run();
  return connection.changes() > 0;
}

// An upload that is about to end, and what its end has to see to.
struct BeforeEnd {
  AccountId account = 0;
  UploadState state{};
  std::int64_t size = 0;
  std::optional<UploadId> waiting_on;
  bool wants_callback = false;
  bool has_journal = false;
  bool in_ledger = false;
};

// Nothing: there is no such upload, or the connection has failed.
std::optional<BeforeEnd> before_end(SqliteConnection& connection, UploadId id) {
  auto row = connection.prepare(sql::kBeforeEnd);
  row.bind(id);
  if (!row.step()) return std::nullopt;
  BeforeEnd upload;
  upload.account = row.integer("account");
  upload.state = upload_state_from(row.text("state")).value_or(UploadState::queued);
  upload.size = row.integer("size");
  upload.waiting_on = row.optional_integer("waiting_on");
  upload.wants_callback = row.integer("wants_callback") != 0;
  upload.has_journal = row.integer("has_journal") != 0;
  upload.in_ledger = row.integer("in_ledger") != 0;
  return upload;
}

// What every end brings with it: the upload is counted in its new state, recorded parts are forgotten, what may be open
// at the store is left to the reaper, the callback is due. Answers whether there is a callback. A small upload, of
// which there are many, has nothing to remove.
bool follow_end(SqliteConnection& connection, UploadId id, const BeforeEnd& before, UploadState state,
                std::int64_t size, WallTime now, const SqliteQueue& queue) {
  queue.database.upload_counts().remove(before.account, before.state, before.size);
  queue.database.upload_counts().add(before.account, state, size);
  if (state == UploadState::completed && before.has_journal) remove_journaled_entry(connection, id);
  if (before.in_ledger) abandon_all(connection, id, now);
  if (before.has_journal) {
    connection.prepare(sql::kDeleteParts).bind(id).run();
    connection.prepare(sql::kDeleteMultipart).bind(id).run();
  }
  if (!before.wants_callback) return false;
  if (const auto stored = load_upload(connection, id)) {
    insert_callback(connection, stored->upload, queue.body(stored->upload), now);
  }
  return true;
}

}  // namespace

std::optional<HeldUpload> held_upload(SqliteConnection& connection, const Lease& lease) {
  auto row = connection.prepare(sql::kHeld);
  row.bind(lease.id, lease.fence);
  if (!row.step()) return std::nullopt;
  return HeldUpload{wanted_from(row.text("wanted")).value_or(Wanted::nothing), row.integer("account"),
                    row.integer("size")};
}

Result<EndEffects> end_upload(SqliteConnection& connection, const Lease& lease, const UploadEnding& ending,
                              AttemptEnd how, const SqliteQueue& queue) {
  const WallTime now = queue.clock.now();
  if (auto whole = check_ending(lease, ending); !whole) return whole.error();
  const auto before = before_end(connection, lease.id);
  if (!before) return lease_lost(lease);
  const ErrorColumns error(ending.error);
  std::optional<std::int64_t> size;
  if (ending.state == UploadState::completed) size = ending.size;
  // Most uploads complete at their first run, of which nothing is kept: that is not even looked up.
  const bool at_first_run = ending.state == UploadState::completed && lease.fence == 1;
  if (!at_first_run) record_attempt(connection, lease, how, ending.error, size, now);
  connection.prepare(sql::kEnd)
      .bind(lease.id, lease.fence, to_string(ending.state), to_unix_ms(now), size, optional_word(ending.acl_applied),
            ending.verification.etag, ending.verification.checksum, ending.verification.version_id, error.code,
            error.message, error.retryable, error.detail)
      .run();
  if (connection.changes() != 1) return lease_lost(lease);
  const bool successor = release_successor(connection, lease.id, std::nullopt);  // what runs waits for nothing
  return EndEffects{successor,
                    follow_end(connection, lease.id, *before, ending.state, size.value_or(before->size), now, queue)};
}

EndEffects cancel_waiting(SqliteConnection& connection, UploadId id, const SqliteQueue& queue) {
  const WallTime now = queue.clock.now();
  const auto before = before_end(connection, id);
  if (!before) return {};
  connection.prepare(sql::kCancelWaiting).bind(id, to_unix_ms(now)).run();
  const bool successor = release_successor(connection, id, before->waiting_on);
  return {successor, follow_end(connection, id, *before, UploadState::cancelled, before->size, now, queue)};
}

Result<> requeue_upload(SqliteConnection& connection, const Lease& lease, const Requeue& how, Crash crash,
                        const SqliteQueue& queue) {
  const auto held = held_upload(connection, lease);
  if (!held) return lease_lost(lease);
  const UploadState next = decide_requeue(held->wanted);
  const AttemptEnd run_ended = end_of_run(how, next, crash != Crash::none);
  if (next == UploadState::cancelled) {
    UploadEnding cancelled;
    cancelled.state = UploadState::cancelled;
    cancelled.error = how.error;
    const auto ended = end_upload(connection, lease, cancelled, run_ended, queue);
    return ended ? Result<>() : ended.error();
  }
  const WallTime now = queue.clock.now();
  record_attempt(connection, lease, run_ended, how.error, std::nullopt, now);
  const ErrorColumns error(how.error);
  std::optional<std::int64_t> next_attempt_ms;
  if (how.delay && how.delay->count() > 0) next_attempt_ms = to_unix_ms(now + *how.delay);
  std::optional<std::int64_t> unanswered_ms;
  if (how.unanswered) unanswered_ms = to_unix_ms(now);
  std::optional<std::int64_t> size;
  std::optional<std::int64_t> crc32c;
  if (how.sent) {
    size = how.sent->size;
    crc32c = how.sent->crc32c;
  }
  connection.prepare(sql::kRequeue)
      .bind(lease.id, lease.fence, next_attempt_ms, error.code, error.message, error.retryable, !how.failed_attempt,
            crash == Crash::none ? 0 : 1, unanswered_ms, size, crc32c, how.only_look, crash == Crash::alone ? 1 : 0,
            kSuspectCrashes, error.detail)
      .run();
  if (connection.changes() != 1) return lease_lost(lease);
  queue.database.upload_counts().move(held->account, UploadState::uploading, UploadState::queued, held->size);
  abandon_intent(connection, lease.id, now);
  if (next == UploadState::paused) return pause_queued(connection, lease.id, held->account, held->size, queue);
  return {};
}

Result<> pause_queued(SqliteConnection& connection, UploadId id, AccountId account, std::int64_t size,
                      const SqliteQueue& queue) {
  connection.prepare(sql::kPause).bind(id).run();
  if (connection.changes() != 1) {
    return Error{Errc::internal, fmt::format("upload {} cannot be paused: it is not queued", id)};
  }
  queue.database.upload_counts().move(account, UploadState::queued, UploadState::paused, size);
  return {};
}

}  // namespace vodlift::store
