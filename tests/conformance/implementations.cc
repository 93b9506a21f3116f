#include "conformance/memory_under_test.h"
#include "conformance/postgres_under_test.h"
#include "conformance/sqlite_under_test.h"
#include "conformance/store_suite.h"

namespace vodlift::conformance {

std::vector<Implementation> implementations() {
  return {
      {"sqlite", make_sqlite_under_test}, {"memory", make_memory_under_test}, {"postgres", make_postgres_under_test}};
}

}  // namespace vodlift::conformance
