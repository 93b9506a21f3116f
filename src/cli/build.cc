#include "cli/build.h"

namespace vodlift::cli {

// No time and no host: the same sources make the same program.
std::string_view build_version() { return VODLIFT_VERSION; }
std::string_view build_commit() { return VODLIFT_COMMIT; }
std::string_view build_compiler() {
#ifdef __clang__
  return __VERSION__;
#else
  return "g++ " __VERSION__;
#endif
}

}  // namespace vodlift::cli
