#include "postgres/pg_multipart_journal.h"

#include <fmt/format.h>

#include <bit>

#include "core/multipart_policy.h"
#include "postgres/multipart_statements.h"
#include "postgres/pg_upload_lifecycle.h"

namespace vodlift::postgres {
namespace {

// Only while a multipart upload is open.
Result<> put_parts(PgTransaction& transaction, UploadId id, const std::vector<Part>& parts) {
  std::vector<int> numbers;
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> checksums;
  std::vector<Bytes> etags;
  std::vector<Bytes> md5;
  for (const Part& part : parts) {
    numbers.push_back(part.number);
    sizes.push_back(part.size);
    etags.push_back({part.etag});
    checksums.push_back(part.crc32c);
    md5.push_back({part.md5});
  }
  const auto put = transaction.connection.run(sql::kPutParts, id, numbers, sizes, etags, checksums, md5,
                                              to_unix_ms(transaction.now()));
  if (put.changes() == std::ssize(parts)) return {};
  return Error{Errc::internal,
               fmt::format("upload {}: part {} belongs to no open multipart upload", id, parts.front().number)};
}

Result<> add_bytes(PgTransaction& transaction, const Lease& lease, std::int64_t bytes) {
  transaction.changed_upload(lease.id);
  if (transaction.connection.run(sql::kAddBytes, lease.id, lease.fence, bytes).changes() == 1) return {};
  return lease_lost(lease);
}

void put_journal(PgConnection& connection, UploadId id, const OpenMultipart& open) {
  const SourceIdentity& source = open.source;
  connection.run(sql::kPutMultipart, id, Bytes{open.multipart_id}, open.part_size, to_string(open.checksum_mode),
                 to_string(open.acl), std::bit_cast<std::int64_t>(source.device),
                 std::bit_cast<std::int64_t>(source.inode), source.size, source.change_ns, source.modified_ns);
}

Result<> restart_journal(PgTransaction& transaction, const Lease& lease, const OpenUpload& held,
                         const OpenMultipart& open) {
  PgConnection& connection = transaction.connection;
  const bool is_open = !open.multipart_id.empty();
  const std::int64_t size = is_open ? open.source.size : held.size;
  connection.run(sql::kRestartParts, lease.id, lease.fence, size);
  transaction.changed_upload(lease.id);
  transaction.counts.remove(held.account, UploadState::uploading, held.size);
  transaction.counts.add(held.account, UploadState::uploading, size);
  if (!is_open) remove_journaled_entry(connection, lease.id);
  if (is_open) connection.run(sql::kFulfil, lease.id, Bytes{open.multipart_id});
  connection.run(sql::kDeleteParts, std::vector{lease.id});
  if (!is_open) {
    connection.run(sql::kDeleteMultiparts, std::vector{lease.id});
    return {};
  }
  put_journal(connection, lease.id, open);
  if (open.parts.empty()) return {};
  std::int64_t bytes = 0;
  for (const Part& part : open.parts) bytes += part.size;
  if (auto added = add_bytes(transaction, lease, bytes); !added) return added;
  return put_parts(transaction, lease.id, open.parts);
}

}  // namespace

void abandon_intent(PgConnection& connection, UploadId upload, WallTime now) {
  auto intent = connection.run(sql::kSelectIntent, upload);
  if (!intent.next()) return;
  const std::int64_t intended_ms = intent.integer("first_ms");
  auto search = connection.run(sql::kSelectSearch, upload, intent.text("endpoint"),
                               intended_ms - std::chrono::milliseconds(kOneSearch).count());
  if (search.next()) {
    connection.run(sql::kWidenSearch, search.integer("id"), intended_ms);
    connection.run(sql::kDeleteIntent, upload);
  } else {
    connection.run(sql::kAbandonIntent, upload, to_unix_ms(now));
  }
}

void abandon_all(PgConnection& connection, UploadId upload, WallTime now) {
  abandon_intent(connection, upload, now);
  connection.run(sql::kAbandonAll, upload, to_unix_ms(now));
}

void remove_journaled_entry(PgConnection& connection, UploadId upload) {
  connection.run(sql::kDeleteJournaled, upload);
}

Result<> PgMultipartJournal::intend(const Lease& lease, const MultipartPlace& place) {
  return queue_.database.write([&](PgTransaction& transaction) -> Result<> {
    const auto held = lock_held(transaction.connection, lease);
    if (!held) return lease_lost(lease);
    abandon_all(transaction.connection, lease.id, transaction.now());
    transaction.connection.run(sql::kIntend, lease.id, held->account, place.endpoint, Bytes{place.bucket},
                               Bytes{place.key}, to_unix_ms(transaction.now()));
    return {};
  });
}

Result<> PgMultipartJournal::withdraw(const Lease& lease) {
  return queue_.database.write([&](PgTransaction& transaction) -> Result<> {
    if (!lock_held(transaction.connection, lease)) return lease_lost(lease);
    transaction.connection.run(sql::kDeleteIntent, lease.id);
    return {};
  });
}

Result<> PgMultipartJournal::record_multipart(const Lease& lease, const OpenMultipart& open) {
  return queue_.database.write([&](PgTransaction& transaction) -> Result<> {
    const auto held = lock_held(transaction.connection, lease);
    if (!held) return lease_lost(lease);
    return restart_journal(transaction, lease, *held, open);
  });
}

Result<> PgMultipartJournal::record_part(const Lease& lease, const Part& part) {
  return queue_.database.write([&](PgTransaction& transaction) -> Result<> {
    if (!lock_held(transaction.connection, lease)) return lease_lost(lease);
    auto known = transaction.connection.run(sql::kPartSize, lease.id, part.number);
    const std::int64_t replaced = known.next() ? known.integer("size") : 0;
    if (auto added = add_bytes(transaction, lease, part.size - replaced); !added) return added;
    return put_parts(transaction, lease.id, {part});
  });
}

Result<> PgMultipartJournal::abandon(const Lease& lease) {
  return queue_.database.write([&](PgTransaction& transaction) -> Result<> {
    const auto held = lock_held(transaction.connection, lease);
    if (!held) return lease_lost(lease);
    abandon_all(transaction.connection, lease.id, transaction.now());
    return restart_journal(transaction, lease, *held, {});
  });
}

}  // namespace vodlift::postgres
