// SQLite's entry for the conformance suite.
#pragma once

#include <memory>

#include "conformance/store_suite.h"

namespace vodlift::conformance {

// In a new temporary directory, which goes with it.
std::unique_ptr<StoreUnderTest> make_sqlite_under_test(const ManualClock& clock);

}  // namespace vodlift::conformance
