// Accepting uploads, many in one transaction.
#pragma once

#include <span>
#include <vector>

#include "core/stored_upload.h"
#include "core/upload_store.h"
#include "postgres/pg_database.h"

namespace vodlift::postgres {

// One upload to accept. Its signature is a digest (stored_digest()).
struct InsertJob {
  NewUpload upload;
  UploadTexts texts;
};

struct OpenLimit {
  std::int64_t most = 0;         // uploads of an account that have not ended
  std::int64_t added_up_to = 0;  // PgDatabase::added_up_to()
};

// Inserts the uploads in their order, inside a transaction; answers for each. Uploads to one object form a chain, also
// where several nodes insert at the same time: they lock the object first, and only then take an id. `recent`: what is
// known of the accounts, and noted of them.
std::vector<Result<InsertOutcome>> insert_uploads(PgTransaction& transaction, std::span<const InsertJob> jobs,
                                                  OpenLimit limit, RecentCounts& recent);

}  // namespace vodlift::postgres
