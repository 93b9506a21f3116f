#include "store/sqlite_upload_queue.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/sqlite_callbacks.h"
#include "store/sqlite_multipart_ledger.h"
#include "store/sqlite_ready_sql.h"
#include "store/sqlite_upload_changes.h"
#include "store/sqlite_upload_rows.h"
#include "store/sqlite_upload_sql.h"

namespace vodlift::store {
namespace {

// The one table of core/upload.cc decides; the schema's trigger holds the same truth a second time.
Result<> check_move(UploadState from, UploadState to, UploadId id) {
  if (may_move(from, to)) return {};
  return Error{Errc::internal, fmt::format("upload {} must not go from {} to {}", id, to_string(from), to_string(to))};
}

std::optional<std::string_view> optional_word(const std::optional<Acl>& acl) {
  if (!acl) return std::nullopt;
  return to_string(*acl);
}

// The three columns of an error, all NULL where there is none.
struct ErrorColumns {
  std::optional<std::string_view> code;
  std::optional<std::string> message;
  std::optional<bool> retryable;

  explicit ErrorColumns(const std::optional<UploadError>& error) {
    if (!error) return;
    code = info(error->code).name;
    message = kept_message(error->message);
    retryable = error->retryable;
  }
};

// The row that the statement just run has changed is exactly the one whose lease is held.
Result<> held(const SqliteConnection& connection, const Lease& lease) {
  if (connection.changes() == 1) return {};
  return lease_lost(lease);
}

Result<> check_ending(const Lease& lease, const UploadStore::Ending& ending) {
  if (!is_end(ending.state)) {
    return Error{Errc::internal, fmt::format("upload {}: {} is no end", lease.id, to_string(ending.state))};
  }
  if ((ending.state == UploadState::failed && !ending.error) ||
      (ending.state == UploadState::completed && ending.error)) {
    return Error{Errc::internal,
                 fmt::format("upload {}: a failed upload has an error, a completed one has none", lease.id)};
  }
  return check_move(UploadState::uploading, ending.state, lease.id);
}

std::string wanted_of(SqliteConnection& connection, const Lease& lease) {
  auto row = connection.prepare(sql::kWanted);
  row.bind(lease.id, lease.fence);
  return row.step() ? row.text(0) : std::string();
}

UploadStore::Ending cancelled(const std::optional<UploadError>& error) {
  UploadStore::Ending ending;
  ending.state = UploadState::cancelled;
  ending.error = error;
  return ending;
}

// What a change of a lease may have to know.
struct Surroundings {
  WallTime now;
  const CallbackBody& body;
};

Result<> put_back(SqliteConnection& connection, const Lease& lease, std::optional<WallTime> next_attempt,
                  const std::optional<UploadError>& error, bool interrupted, int crashes, const Surroundings& around) {
  const std::string wanted = wanted_of(connection, lease);
  if (wanted == kWantsCancel) {
    const auto ended = end_upload(connection, lease, cancelled(error), around.now, around.body);
    return ended ? Result<>() : ended.error();
  }
  if (auto legal = check_move(UploadState::uploading, UploadState::queued, lease.id); !legal) return legal;
  const ErrorColumns columns(error);
  std::optional<std::int64_t> next_attempt_ms;
  if (next_attempt) next_attempt_ms = to_unix_ms(*next_attempt);
  connection.prepare(sql::kRequeue)
      .bind(lease.id, lease.fence, next_attempt_ms, columns.code, columns.message, columns.retryable, interrupted,
            crashes, next_attempt.has_value() && *next_attempt > around.now)
      .run();
  auto ours = held(connection, lease);
  if (!ours) return ours;
  leave_intent(connection, lease.id, around.now);
  if (wanted == kWantsPause) return pause(connection, lease.id);
  return {};
}

// An upload that has ended, and what has to be cleared up behind it. A small one, of which there are many, leaves
// nothing.
struct Ended {
  bool completed = false;
  bool wants_callback = false;
  bool has_journal = false;
  bool in_ledger = false;
};

Ended ended_of(SqliteConnection& connection, UploadId id) {
  auto row = connection.prepare(sql::kEnded);
  row.bind(id);
  if (!row.step()) return {};
  return {row.integer(0) != 0, row.integer(1) != 0, row.integer(2) != 0, row.integer(3) != 0};
}

struct Expired {
  Lease lease;
  int crashes = 0;
};

std::vector<Expired> expired_leases(SqliteConnection& connection, WallTime expired, int limit) {
  std::vector<Expired> found;
  auto row = connection.prepare(sql::kExpiredLeases);
  row.bind(to_unix_ms(expired), limit);
  while (row.step()) found.push_back({{row.integer(0), row.integer(1)}, static_cast<int>(row.integer(2))});
  return found;
}

UploadStore::Ending crashed_repeatedly(int crashes) {
  UploadStore::Ending ending;
  ending.state = UploadState::failed;
  ending.error = UploadError{Errc::crashed_repeatedly,
                             fmt::format("given up: the worker went down {} times in a row while this upload ran, "
                                         "without one more part sent in between",
                                         crashes),
                             info(Errc::crashed_repeatedly).retryable};
  return ending;
}

}  // namespace

Error lease_lost(const Lease& lease) {
  return {Errc::lease_lost,
          fmt::format("upload {} is no longer leased under fence {}: somebody else has taken it over, or it has ended",
                      lease.id, lease.fence)};
}

bool release_successor(SqliteConnection& connection, UploadId id) {
  connection.prepare(sql::kReleaseSuccessor).bind(id).run();
  return connection.changes() > 0;
}

bool follow_end(SqliteConnection& connection, UploadId id, WallTime now, const CallbackBody& body) {
  const Ended ended = ended_of(connection, id);
  if (ended.completed && ended.has_journal) strike_journaled(connection, id);
  if (ended.in_ledger) leave_all(connection, id, now);
  if (ended.has_journal) {
    connection.prepare(sql::kDeleteParts).bind(id).run();
    connection.prepare(sql::kDeleteMultipart).bind(id).run();
  }
  if (!ended.wants_callback) return false;
  if (const auto stored = load_upload(connection, id)) {
    insert_callback(connection, stored->upload, body(stored->upload), now);
  }
  return true;
}

Result<InsertOutcome> insert_or_find(SqliteConnection& connection, const NewUpload& upload, const UploadTexts& texts) {
  const bool is_signed = !upload.signature.mac.empty();
  if (is_signed) {
    if (const auto first = find_signature(connection, upload.key_id, upload.signature)) {
      return InsertOutcome{*first, true};
    }
  }
  std::optional<UploadId> waiting_on;
  {
    auto open = connection.prepare(sql::kFindOpenTarget);
    open.bind(upload.account, upload.request.bucket, upload.request.destination_path);
    if (open.step()) waiting_on = open.integer(0);
  }
  const UploadId id = insert_upload(connection, upload, texts, waiting_on);
  if (is_signed) keep_signature(connection, upload.key_id, upload.signature, id);
  return InsertOutcome{id, false};
}

std::optional<UploadId> find_signature(SqliteConnection& connection, std::int64_t key_id,
                                       const RequestSignature& signature) {
  auto row = connection.prepare(sql::kFindSignature);
  row.bind(signature.timestamp, key_id, Blob{signature.mac});
  if (!row.step()) return std::nullopt;
  return row.integer(0);
}

void keep_signature(SqliteConnection& connection, std::int64_t key_id, const RequestSignature& signature, UploadId id) {
  connection.prepare(sql::kInsertSignature).bind(signature.timestamp, key_id, Blob{signature.mac}, id).run();
}

int forget_signatures(SqliteConnection& connection, WallTime before, int limit) {
  connection.prepare(sql::kForgetSignatures).bind(to_unix_seconds(before), limit).run();
  return static_cast<int>(connection.changes());
}

std::vector<HeldLease> renew_leases(SqliteConnection& connection, const std::vector<Lease>& leases,
                                    WallTime lease_until) {
  std::vector<HeldLease> still_held;
  for (const Lease& lease : leases) {
    auto row = connection.prepare(sql::kRenew);
    row.bind(lease.id, lease.fence, to_unix_ms(lease_until));
    if (row.step()) still_held.push_back({lease, row.integer(0) != 0});
  }
  return still_held;
}

Result<> restart_journal(SqliteConnection& connection, const Lease& lease, const MultipartJournal& journal) {
  std::optional<std::int64_t> size;
  if (!journal.multipart_id.empty()) size = journal.source.size;
  connection.prepare(sql::kRestartParts).bind(lease.id, lease.fence, size).run();
  if (auto ours = held(connection, lease); !ours) return ours;
  if (journal.multipart_id.empty()) {
    strike_journaled(connection, lease.id);
  } else {
    fulfil_intent(connection, lease.id, journal.multipart_id);
  }
  store_journal(connection, lease.id, journal);
  for (const Part& part : journal.parts) {
    if (auto added = add_part(connection, lease, part); !added) return added;
  }
  return {};
}

Result<> add_part(SqliteConnection& connection, const Lease& lease, const Part& part) {
  std::int64_t replaced = 0;
  {
    auto known = connection.prepare(sql::kPartSize);
    known.bind(lease.id, part.number);
    if (known.step()) replaced = known.integer(0);
  }
  connection.prepare(sql::kAddBytes).bind(lease.id, lease.fence, part.size - replaced).run();
  if (auto ours = held(connection, lease); !ours) return ours;
  if (connection.prepare(sql::kHasMultipart).bind(lease.id).step()) {
    store_part(connection, lease.id, part);
    return {};
  }
  return Error{Errc::internal,
               fmt::format("upload {}: part {} belongs to no open multipart upload", lease.id, part.number)};
}

Result<> requeue(SqliteConnection& connection, const Lease& lease, WallTime next_attempt,
                 const std::optional<UploadError>& error, bool counts, WallTime now, const CallbackBody& body) {
  return put_back(connection, lease, next_attempt, error, !counts, 0, {now, body});
}

Result<Followed> end_upload(SqliteConnection& connection, const Lease& lease, const UploadStore::Ending& ending,
                            WallTime now, const CallbackBody& body) {
  if (auto sound = check_ending(lease, ending); !sound) return sound.error();
  const bool completed = ending.state == UploadState::completed;
  const ErrorColumns error(ending.error);
  std::optional<std::int64_t> size;
  if (completed) size = ending.size;
  connection.prepare(sql::kEnd)
      .bind(lease.id, lease.fence, to_string(ending.state), to_unix_ms(now), size, optional_word(ending.acl_applied),
            ending.verification.etag, ending.verification.checksum, ending.verification.version_id, error.code,
            error.message, error.retryable)
      .run();
  if (auto ours = held(connection, lease); !ours) return ours.error();
  const bool successor = release_successor(connection, lease.id);
  return Followed{successor, follow_end(connection, lease.id, now, body)};
}

Result<int> rescue_expired(SqliteConnection& connection, WallTime expired, int max_crashes, int limit, WallTime now,
                           const CallbackBody& body) {
  const auto found = expired_leases(connection, expired, limit);
  for (const auto& [lease, crashes_before] : found) {
    const int crashes = crashes_before + 1;
    // It keeps its place in the queue, so that what was begun is finished first; and what its client wants goes before.
    if (crashes >= max_crashes && wanted_of(connection, lease).empty()) {
      const auto ended = end_upload(connection, lease, crashed_repeatedly(crashes), now, body);
      if (!ended) return ended.error();
    } else {
      const auto back = put_back(connection, lease, std::nullopt, std::nullopt, true, 1, {now, body});
      if (!back) return back.error();
    }
  }
  return static_cast<int>(found.size());
}

std::optional<WallTime> next_upload_due(SqliteConnection& connection) {
  for (const auto statement : {sql::kAnyReady, sql::kFirstDelayed}) {
    auto row = connection.prepare(statement);
    if (row.step()) return from_unix_ms(row.integer(0));
  }
  return std::nullopt;
}

}  // namespace vodlift::store
