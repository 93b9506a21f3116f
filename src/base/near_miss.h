// Misspelt names: what a user meant by an unknown name.
#pragma once

#include <string_view>

namespace vodlift {

// Whether `name` is likely a slip for `known`: one character more, fewer, other or swapped with its neighbour, or the
// same name but for case, `_` and `-`. Equal names are no slip. Linear time, no allocation.
bool is_near_miss(std::string_view name, std::string_view known);

}  // namespace vodlift
