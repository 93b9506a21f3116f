// Misspelt names: what a user meant by an unknown name.
#pragma once

#include <span>
#include <string_view>

namespace vodlift {

// Whether `name` is likely a slip for `known`: one character more, fewer, other or swapped with its neighbour, or the
// same name but for case, `_` and `-`. Equal names are no slip. Linear time, no allocation.
bool is_near_miss(std::string_view name, std::string_view known);

// The first of `known` for which `name` is likely a slip; empty when there is none.
std::string_view near_miss_of(std::string_view name, std::span<const std::string_view> known);

}  // namespace vodlift
