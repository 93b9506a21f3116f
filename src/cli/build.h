// What this program was built from.
#pragma once

#include <string_view>

namespace vodlift::cli {

std::string_view build_version();   // "0.2.0"
std::string_view build_commit();    // "1a2b3c4d5e6f", with "+" where files were changed; empty: not known
std::string_view build_compiler();  // "g++ 12.2.0"

}  // namespace vodlift::cli
