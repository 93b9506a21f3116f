#include "store/sqlite_multipart_journal.h"

#include <fmt/format.h>

#include "core/multipart_policy.h"
#include "store/sqlite_statements.h"
#include "store/sqlite_upload_lifecycle.h"
#include "store/sqlite_upload_rows.h"

namespace vodlift::store {
namespace {

Result<> check_held(SqliteConnection& connection, const Lease& lease) {
  if (held_upload(connection, lease)) return {};
  return lease_lost(lease);
}

Result<> add_part(SqliteConnection& connection, const Lease& lease, const Part& part, WallTime now) {
  std::int64_t replaced = 0;
  {
    auto known = connection.prepare(sql::kPartSize);
    known.bind(lease.id, part.number);
    if (known.step()) replaced = known.integer("size");
  }
  connection.prepare(sql::kAddBytes).bind(lease.id, lease.fence, part.size - replaced).run();
  if (connection.changes() != 1) return lease_lost(lease);
  if (connection.prepare(sql::kHasMultipart).bind(lease.id).step()) {
    store_part(connection, lease.id, part, now);
    return {};
  }
  return Error{Errc::internal,
               fmt::format("upload {}: part {} belongs to no open multipart upload", lease.id, part.number)};
}

Result<> restart_journal(SqliteConnection& connection, const Lease& lease, const OpenMultipart& open,
                         const SqliteQueue& queue) {
  const auto held = held_upload(connection, lease);
  if (!held) return lease_lost(lease);
  const std::int64_t size = open.multipart_id.empty() ? held->size : open.source.size;
  connection.prepare(sql::kRestartParts).bind(lease.id, size).run();
  queue.database.upload_counts().remove(held->account, UploadState::uploading, held->size);
  queue.database.upload_counts().add(held->account, UploadState::uploading, size);
  if (open.multipart_id.empty()) {
    remove_journaled_entry(connection, lease.id);
  } else {
    connection.prepare(sql::kFulfil).bind(lease.id, open.multipart_id).run();
  }
  store_journal(connection, lease.id, open);
  for (const Part& part : open.parts) {
    if (auto added = add_part(connection, lease, part, queue.clock.now()); !added) return added;
  }
  return {};
}

}  // namespace

void abandon_intent(SqliteConnection& connection, UploadId upload, WallTime now) {
  std::string endpoint;
  std::int64_t intended_ms = 0;
  {
    auto intent = connection.prepare(sql::kSelectIntent);
    intent.bind(upload);
    if (!intent.step()) return;
    endpoint = intent.text("endpoint");
    intended_ms = intent.integer("first_ms");
  }
  std::optional<std::int64_t> search;
  {
    auto earlier = connection.prepare(sql::kSelectSearch);
    earlier.bind(upload, endpoint, intended_ms - std::chrono::milliseconds(kOneSearch).count());
    if (earlier.step()) search = earlier.integer("id");
  }
  if (search) {
    connection.prepare(sql::kWidenSearch).bind(*search, intended_ms).run();
    connection.prepare(sql::kDeleteIntent).bind(upload).run();
  } else {
    connection.prepare(sql::kAbandonIntent).bind(upload, to_unix_ms(now)).run();
  }
}

void abandon_all(SqliteConnection& connection, UploadId upload, WallTime now) {
  abandon_intent(connection, upload, now);
  connection.prepare(sql::kAbandonAll).bind(upload, to_unix_ms(now)).run();
}

void remove_journaled_entry(SqliteConnection& connection, UploadId upload) {
  connection.prepare(sql::kDeleteJournaled).bind(upload).run();
}

Result<> SqliteMultipartJournal::intend(const Lease& lease, const MultipartPlace& place) {
  return queue_.database.write([&](SqliteConnection& connection) -> Result<> {
    if (auto ours = check_held(connection, lease); !ours) return ours;
    const WallTime now = queue_.clock.now();
    abandon_all(connection, lease.id, now);
    connection.prepare(sql::kIntend).bind(lease.id, place.endpoint, place.bucket, place.key, to_unix_ms(now)).run();
    return {};
  });
}

Result<> SqliteMultipartJournal::withdraw(const Lease& lease) {
  return queue_.database.write([&](SqliteConnection& connection) -> Result<> {
    if (auto ours = check_held(connection, lease); !ours) return ours;
    connection.prepare(sql::kDeleteIntent).bind(lease.id).run();
    return {};
  });
}

Result<> SqliteMultipartJournal::record_multipart(const Lease& lease, const OpenMultipart& open) {
  return queue_.database.write(
      [&](SqliteConnection& connection) { return restart_journal(connection, lease, open, queue_); });
}

Result<> SqliteMultipartJournal::record_part(const Lease& lease, const Part& part) {
  return queue_.database.write(
      [&](SqliteConnection& connection) { return add_part(connection, lease, part, queue_.clock.now()); });
}

Result<> SqliteMultipartJournal::abandon(const Lease& lease) {
  return queue_.database.write([&](SqliteConnection& connection) -> Result<> {
    if (auto ours = check_held(connection, lease); !ours) return ours;
    abandon_all(connection, lease.id, queue_.clock.now());
    return restart_journal(connection, lease, {}, queue_);
  });
}

}  // namespace vodlift::store
