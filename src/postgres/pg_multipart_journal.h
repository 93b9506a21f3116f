// The journals of running uploads, in PostgreSQL.
#pragma once

#include "core/multipart_journal.h"
#include "postgres/pg_queue.h"

namespace vodlift::postgres {

// MultipartJournal over a PgDatabase. Any thread.
class PgMultipartJournal final : public MultipartJournal {
 public:
  explicit PgMultipartJournal(PgQueue queue) : queue_(std::move(queue)) {}

  Result<> intend(const Lease& lease, const MultipartPlace& place) override;
  Result<> withdraw(const Lease& lease) override;
  Result<> record_multipart(const Lease& lease, const OpenMultipart& open) override;
  Result<> record_part(const Lease& lease, const Part& part) override;
  Result<> abandon(const Lease& lease) override;

 private:
  const PgQueue queue_;
};

// These run inside a transaction that has locked the upload.

// The Create under way, if there is one, is left to the reaper: its answer is not known.
void abandon_intent(PgConnection& connection, UploadId upload, WallTime now);
// All that the upload may have open is left to the reaper.
void abandon_all(PgConnection& connection, UploadId upload, WallTime now);
// The multipart upload of the journal is completed, or gone.
void remove_journaled_entry(PgConnection& connection, UploadId upload);

}  // namespace vodlift::postgres
