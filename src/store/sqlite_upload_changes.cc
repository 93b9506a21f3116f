#include "store/sqlite_upload_changes.h"

#include <fmt/format.h>

#include "store/sqlite_upload_queue.h"
#include "store/sqlite_upload_rows.h"
#include "store/sqlite_upload_sql.h"

namespace vodlift::store {
namespace {

// One change as it is worked out: the upload as it was, and where its lease is to be called back.
struct Work {
  SqliteConnection& connection;
  const StoredUpload& stored;
  WallTime now;
  const CallbackBody& body;
  std::optional<Lease> recalled;

  [[nodiscard]] UploadId id() const { return stored.upload.id; }
  [[nodiscard]] UploadState state() const { return stored.upload.state; }
};

Error wrong_state(const Work& work, std::string_view wish, std::string_view hint) {
  return {Errc::wrong_state,
          fmt::format("upload {} is {} and cannot be {}; {}", work.id(), to_string(work.state()), wish, hint)};
}

constexpr std::string_view kEndHint = "an upload that has ended stays as it is";

std::string wanted_of(const Work& work) {
  auto row = work.connection.prepare(sql::kWanted);
  row.bind(work.id(), work.stored.fence);
  return row.step() ? row.text(0) : std::string();
}

void want(Work& work, std::string_view what) {
  work.connection.prepare(sql::kWant).bind(work.id(), what).run();
  if (!what.empty()) work.recalled = Lease{work.id(), work.stored.fence};
}

Result<> cancel(Work& work) {
  if (is_end(work.state())) return wrong_state(work, "cancelled", kEndHint);
  if (work.state() == UploadState::uploading) {
    want(work, kWantsCancel);
    return {};
  }
  release_successor(work.connection, work.id());
  work.connection.prepare(sql::kCancelWaiting).bind(work.id(), to_unix_ms(work.now)).run();
  follow_end(work.connection, work.id(), work.now, work.body);
  return {};
}

Result<> pause(Work& work) {
  if (is_end(work.state())) return wrong_state(work, "paused", kEndHint);
  if (work.state() == UploadState::paused) return wrong_state(work, "paused", "aws.resume lets it go on");
  if (work.state() == UploadState::queued) return store::pause(work.connection, work.id());
  if (wanted_of(work) == kWantsCancel) return wrong_state(work, "paused", "it is being cancelled");
  want(work, kWantsPause);
  return {};
}

Result<> resume(Work& work) {
  if (is_end(work.state())) return wrong_state(work, "resumed", kEndHint);
  if (work.state() == UploadState::paused) {
    work.connection.prepare(sql::kResume).bind(work.id()).run();
    return {};
  }
  // A pause that has been asked for and not made yet is taken back; the worker that heard of it only gives it back.
  const bool pausing = work.state() == UploadState::uploading && wanted_of(work) == kWantsPause;
  if (!pausing) return wrong_state(work, "resumed", "only a paused upload can be");
  want(work, "");
  return {};
}

Result<> retry(Work& work) {
  if (work.state() == UploadState::queued) {
    work.connection.prepare(sql::kRetryNow).bind(work.id()).run();
    return {};
  }
  if (work.state() == UploadState::paused) return wrong_state(work, "retried", "aws.resume lets it go on");
  if (work.state() == UploadState::uploading) return wrong_state(work, "retried", "it is under way");
  if (work.state() == UploadState::completed) return wrong_state(work, "retried", "aws.upload sends the file again");
  return wrong_state(work, "retried", "it ended just now; ask again");
}

Result<> carry_out(Work& work, UploadChange change) {
  switch (change) {
    case UploadChange::cancel:
      return cancel(work);
    case UploadChange::pause:
      return pause(work);
    case UploadChange::resume:
      return resume(work);
    case UploadChange::retry:
      return retry(work);
  }
  return Error{Errc::internal, "no such change"};
}

Result<Changed> as_it_is(SqliteConnection& connection, UploadId id) {
  auto stored = load_upload(connection, id);
  if (!stored) return Error{Errc::internal, fmt::format("upload {} cannot be read", id)};
  return Changed{std::move(stored->upload), std::nullopt};
}

}  // namespace

Result<Changed> change_upload(SqliteConnection& connection, const ChangeRequest& request, WallTime now,
                              const CallbackBody& body) {
  const bool is_signed = !request.signature.mac.empty();
  const auto first = is_signed ? find_signature(connection, request.key_id, request.signature) : std::nullopt;
  const auto stored = load_upload(connection, first.value_or(request.id));
  if (!stored || stored->upload.account != request.account || !request.scope.holds(stored->upload.request)) {
    return Error{Errc::upload_not_found, "no such upload for this account"};
  }
  if (first) return Changed{stored->upload, std::nullopt};
  Work work{connection, *stored, now, body, std::nullopt};
  if (auto made = carry_out(work, request.change); !made) return made.error();
  if (is_signed) keep_signature(connection, request.key_id, request.signature, request.id);
  auto changed = as_it_is(connection, request.id);
  if (changed) changed->recalled = work.recalled;
  return changed;
}

Result<> pause(SqliteConnection& connection, UploadId id) {
  connection.prepare(sql::kPause).bind(id).run();
  if (connection.changes() == 1) return {};
  return Error{Errc::internal, fmt::format("upload {} cannot be paused: it is not queued", id)};
}

}  // namespace vodlift::store
