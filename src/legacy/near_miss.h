// Misspelt names: what a client meant by a field that nobody knows.
#pragma once

#include <string_view>

namespace vodlift::legacy {

// Whether `name` is likely a slip for `known`: one character more, fewer, other or swapped with its neighbour, or the
// same name but for case, `_` and `-`. Equal names are no slip. Linear time, no allocation.
bool is_near_miss(std::string_view name, std::string_view known);

}  // namespace vodlift::legacy
