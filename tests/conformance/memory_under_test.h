// The in-memory store's entry for the conformance suite.
#pragma once

#include <memory>

#include "conformance/store_suite.h"

namespace vodlift::conformance {

std::unique_ptr<StoreUnderTest> make_memory_under_test(const ManualClock& clock);

}  // namespace vodlift::conformance
