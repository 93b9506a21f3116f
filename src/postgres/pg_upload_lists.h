// Lists and searches of uploads.
#pragma once

#include <optional>
#include <vector>

#include "core/upload_store.h"
#include "postgres/pg_connection.h"

namespace vodlift::postgres {

// The ids of the newest uploads that match, newest first; of all accounts where none is given, and then without a
// scope. It walks the index of each state, and steps over what is not in the scope.
std::vector<UploadId> newest_uploads(PgConnection& connection, std::optional<AccountId> account,
                                     const UploadQuery& query);

// UploadStore::search(). It walks the uploads of the account and of each state that can match, newest first.
UploadPage search_uploads(PgConnection& connection, const UploadSearch& search);

// The statements, for the test of their plans.
std::string newest_statement(bool of_account, bool in_scope);
std::string search_statement(bool of_account);

}  // namespace vodlift::postgres
