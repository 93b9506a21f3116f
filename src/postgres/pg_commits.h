// Finding out whether a transaction was committed whose COMMIT got no clear answer.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "postgres/pg_connection.h"

namespace vodlift::postgres {

// For so long a mark is looked for, and with such pauses.
inline constexpr std::chrono::milliseconds kLongestLookUp{30'000};
inline constexpr std::chrono::milliseconds kBetweenLookUps{500};

// Adds to `last`, which is for PgConnection::commit(), what leaves the mark of a transaction; now and then also what
// removes the lane's old ones. A mark is known by its connection's lane and a number that grows.
void add_mark(std::vector<PgCall>& last, std::int64_t lane, std::int64_t number);

// Whether the transaction with this mark was committed. It writes the same mark itself: that waits for a transaction
// that is still under way, succeeds if that one was rolled back (which then can never be committed), and does nothing
// if it was committed. Its own commit must be confirmed clearly, so a synchronous standby has the answer too. Nothing:
// the answer is not certain.
std::optional<bool> look_up_mark(PgConnection& connection, std::int64_t lane, std::int64_t number);

}  // namespace vodlift::postgres
