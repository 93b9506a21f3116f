// PostgreSQL's entry for the conformance suite.
#pragma once

#include <memory>

#include "conformance/store_suite.h"

namespace vodlift::conformance {

// In a new database of a server that the program's tests share.
std::unique_ptr<StoreUnderTest> make_postgres_under_test(const ManualClock& clock);

// The same with looks at the queue as short as while a transaction stays open elsewhere. Of what is ready, the one
// knows only what it was told of after its first look; the other surveys the queue at each look.
Implementation postgres_that_is_told();
Implementation postgres_that_surveys();

}  // namespace vodlift::conformance
