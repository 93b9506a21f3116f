// PostgreSQL's entry for the conformance suite.
#pragma once

#include <memory>

#include "conformance/store_suite.h"

namespace vodlift::conformance {

// In a new database of a server that the program's tests share.
std::unique_ptr<StoreUnderTest> make_postgres_under_test(const ManualClock& clock);

}  // namespace vodlift::conformance
