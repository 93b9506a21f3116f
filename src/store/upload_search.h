// Searches among all uploads, at a bounded cost.
#pragma once

#include "core/upload_search.h"
#include "store/sqlite_connection.h"

namespace vodlift::store {

// UploadStore::search(), inside a read transaction. It walks the uploads of each account and state that can match,
// newest first, as upload_counts knows them; those of one account are walked alone, and rare states are found at once
// however many uploads ended otherwise. With more than kMostWalks of these walks it walks all uploads instead.
UploadPage search_uploads(SqliteConnection& connection, const UploadSearch& search);

inline constexpr std::size_t kMostWalks = 4000;  // some 6 us each

}  // namespace vodlift::store
