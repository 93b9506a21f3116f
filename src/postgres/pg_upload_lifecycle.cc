#include "postgres/pg_upload_lifecycle.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/stored_upload.h"
#include "postgres/multipart_statements.h"
#include "postgres/pg_attempt_history.h"
#include "postgres/pg_callback_queue.h"
#include "postgres/pg_multipart_journal.h"
#include "postgres/pg_upload_rows.h"
#include "postgres/queue_statements.h"
#include "postgres/upload_statements.h"

namespace vodlift::postgres {
namespace {

std::int64_t size_after(const EndOfUpload& end) {
  return end.ending.state == UploadState::completed ? end.ending.size : end.open.size;
}

// Moves the rows; counts the uploads in their new state.
PgCall move_rows(PgTransaction& transaction, const std::vector<EndOfUpload>& ends) {
  std::vector<UploadId> ids;
  std::vector<std::string_view> states;
  std::vector<std::optional<std::int64_t>> sizes;
  std::vector<std::optional<std::string_view>> acls, codes;
  std::vector<Bytes> etags, checksums, versions;
  std::vector<std::optional<std::string>> messages, details;
  std::vector<std::optional<bool>> retryable;
  for (const EndOfUpload& end : ends) {
    const UploadEnding& ending = end.ending;
    const ErrorColumns error(ending.error);
    ids.push_back(end.open.id);
    states.push_back(to_string(ending.state));
    sizes.push_back(ending.state == UploadState::completed ? std::optional(ending.size) : std::nullopt);
    acls.push_back(ending.acl_applied ? std::optional(to_string(*ending.acl_applied)) : std::nullopt);
    etags.push_back({ending.verification.etag});
    checksums.push_back({ending.verification.checksum});
    versions.push_back({ending.verification.version_id});
    codes.push_back(error.code);
    messages.push_back(error.message);
    retryable.push_back(error.retryable);
    details.push_back(error.detail);
    transaction.counts.remove(end.open.account, end.open.state, end.open.size);
    transaction.counts.add(end.open.account, ending.state, size_after(end));
    transaction.changed_upload(end.open.id);
  }
  return PgCall(sql::kEnd, ids, states, sizes, acls, etags, checksums, versions, codes, messages, retryable, details,
                to_unix_ms(transaction.now()));
}

// Lets the next uploads to the same objects run, or wait for the uploads that these waited for.
PgCall release_successors(const std::vector<EndOfUpload>& ends) {
  std::vector<UploadId> ids;
  std::vector<std::optional<std::int64_t>> next;
  for (const EndOfUpload& end : ends) {
    ids.push_back(end.open.id);
    next.push_back(end.open.waiting_on);
  }
  return PgCall(sql::kReleaseSuccessors, ids, next);
}

PgCall find_belongings(const std::vector<EndOfUpload>& ends) {
  std::vector<UploadId> ids;
  ids.reserve(ends.size());
  for (const EndOfUpload& end : ends) ids.push_back(end.open.id);
  return PgCall(sql::kBelongings, ids);
}

void tell_successors(PgTransaction& transaction, PgResult& row) {
  while (row.next()) {
    transaction.changed_upload(row.integer("successor"));
    transaction.tell({.kind = Change::Kind::uploads_due});
  }
}

// Forgets the journals, and leaves what may be open at the stores to the reaper. Most uploads have neither.
void leave_multiparts(PgTransaction& transaction, const std::vector<EndOfUpload>& ends, PgResult& belongings) {
  PgConnection& connection = transaction.connection;
  std::vector<UploadId> with_journal;
  std::vector<UploadId> in_ledger;
  while (belongings.next()) {
    if (belongings.integer("has_journal") != 0) with_journal.push_back(belongings.integer("id"));
    if (belongings.integer("in_ledger") != 0) in_ledger.push_back(belongings.integer("id"));
  }
  for (const EndOfUpload& end : ends) {
    const bool completed = end.ending.state == UploadState::completed;
    if (completed && std::ranges::find(with_journal, end.open.id) != with_journal.end()) {
      remove_journaled_entry(connection, end.open.id);
    }
  }
  for (const UploadId id : in_ledger) abandon_all(connection, id, transaction.now());
  if (with_journal.empty()) return;
  connection.run(sql::kDeleteParts, with_journal);
  connection.run(sql::kDeleteMultiparts, with_journal);
}

void add_callbacks(PgTransaction& transaction, const std::vector<EndOfUpload>& ends, const PgQueue& queue) {
  std::vector<UploadId> ids;
  for (const EndOfUpload& end : ends) {
    if (end.open.wants_callback) ids.push_back(end.open.id);
  }
  if (ids.empty()) return;
  std::vector<NewCallback> callbacks;
  for (StoredUpload& stored : load_uploads(transaction.connection, ids)) {
    std::string body = queue.body(stored.upload);
    callbacks.push_back({std::move(stored.upload), std::move(body)});
  }
  insert_callbacks(transaction, callbacks);
}

void record_runs(PgTransaction& transaction, const std::vector<EndOfUpload>& ends) {
  std::vector<EndedRun> runs;
  for (const EndOfUpload& end : ends) {
    // Most uploads complete at their first run, of which nothing is kept: that is not even looked up.
    const bool at_first_run = end.ending.state == UploadState::completed && end.open.fence == 1;
    if (!end.how || at_first_run) continue;
    EndedRun run{end.open.id, end.open.fence, end.open.run};
    run.run.how = *end.how;
    run.run.error = end.ending.error;
    if (end.ending.state == UploadState::completed) run.run.last_byte = end.ending.size;
    runs.push_back(std::move(run));
  }
  record_attempts(transaction, std::move(runs));
}

}  // namespace

std::vector<OpenUpload> lock_open(PgConnection& connection, const std::vector<UploadId>& ids) {
  std::vector<OpenUpload> locked;
  if (ids.empty()) return locked;
  auto row = connection.run(sql::kLockOpen, ids);
  while (row.next()) {
    OpenUpload open;
    open.id = row.integer("id");
    open.account = row.integer("account");
    open.state = upload_state_from(row.text("state")).value_or(UploadState::queued);
    open.size = row.integer("size");
    open.waiting_on = row.optional_integer("waiting_on");
    open.wanted = wanted_from(row.text("wanted")).value_or(Wanted::nothing);
    open.fence = row.integer("fence");
    open.wants_callback = row.integer("wants_callback") != 0;
    open.run.number = static_cast<int>(row.integer("attempts"));
    open.run.started = from_unix_ms(row.integer("attempt_started_ms"));
    open.run.first_byte = row.integer("attempt_first_byte");
    open.run.last_byte = row.integer("bytes_sent");
    open.run.node = row.integer("owner");
    locked.push_back(std::move(open));
  }
  return locked;
}

bool is_held(const OpenUpload& open, const Lease& lease) {
  return open.state == UploadState::uploading && open.id == lease.id && open.fence == lease.fence;
}

std::optional<OpenUpload> lock_held(PgConnection& connection, const Lease& lease) {
  auto locked = lock_open(connection, {lease.id});
  if (locked.empty() || !is_held(locked.front(), lease)) return std::nullopt;
  return std::move(locked.front());
}

void end_uploads(PgTransaction& transaction, const std::vector<EndOfUpload>& ends, const PgQueue& queue) {
  if (ends.empty()) return;
  record_runs(transaction, ends);
  auto answers = transaction.connection.run_together(
      {move_rows(transaction, ends), release_successors(ends), find_belongings(ends)});
  tell_successors(transaction, answers[1]);
  leave_multiparts(transaction, ends, answers[2]);
  add_callbacks(transaction, ends, queue);
}

// The upload that this one waits for must not end meanwhile, or the successor would wait for it for ever.
void cancel_waiting(PgTransaction& transaction, const OpenUpload& open, const PgQueue& queue) {
  if (open.waiting_on) transaction.connection.run(sql::kKeepOpen, std::vector{*open.waiting_on});
  UploadEnding ending;
  ending.state = UploadState::cancelled;
  end_uploads(transaction, {{open, ending}}, queue);
}

Result<> requeue_upload(PgTransaction& transaction, const OpenUpload& open, const Requeue& how, Crash crash,
                        const PgQueue& queue) {
  const UploadState next = decide_requeue(open.wanted);
  const AttemptEnd run_ended = end_of_run(how, next, crash != Crash::none);
  if (next == UploadState::cancelled) {
    UploadEnding cancelled;
    cancelled.state = UploadState::cancelled;
    cancelled.error = how.error;
    end_uploads(transaction, {{open, cancelled, run_ended}}, queue);
    return {};
  }
  const WallTime now = transaction.now();
  EndedRun run{open.id, open.fence, open.run};
  run.run.how = run_ended;
  run.run.error = how.error;
  record_attempts(transaction, {std::move(run)});
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
  const auto changed = transaction.connection.run(
      sql::kRequeue, open.id, open.fence, next_attempt_ms, error.code, error.message, error.retryable,
      !how.failed_attempt, crash == Crash::none ? 0 : 1, unanswered_ms, size, crc32c, how.only_look,
      crash == Crash::alone ? 1 : 0, kSuspectCrashes, error.detail);
  if (changed.changes() != 1) return lease_lost({open.id, open.fence});
  transaction.changed_upload(open.id);
  transaction.counts.move(open.account, UploadState::uploading, UploadState::queued, open.size);
  abandon_intent(transaction.connection, open.id, now);
  if (next == UploadState::paused) return pause_queued(transaction, open);
  return {};
}

Result<> pause_queued(PgTransaction& transaction, const OpenUpload& open) {
  if (transaction.connection.run(sql::kPause, open.id).changes() != 1) {
    return Error{Errc::internal, fmt::format("upload {} cannot be paused: it is not queued", open.id)};
  }
  transaction.changed_upload(open.id);
  transaction.counts.move(open.account, UploadState::queued, UploadState::paused, open.size);
  return {};
}

}  // namespace vodlift::postgres
