// What is ready to run, in PostgreSQL.
#pragma once

#include "core/fair_share.h"
#include "postgres/pg_connection.h"

namespace vodlift::postgres {

// See WorkQueue::candidates(): of what `node` may take. It asks for some accounts at a time, so that a list costs what
// it shows.
Candidates list_candidates(PgConnection& connection, std::int64_t node, const CandidateQuery& query);

}  // namespace vodlift::postgres
