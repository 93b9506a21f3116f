// A fast keyed hash for tables whose keys an attacker may choose.
#pragma once

#include <cstdint>
#include <string_view>

namespace vodlift {

inline constexpr std::size_t kShortHashKeyBytes = 16;

// SipHash-2-4 of `text`; `key` has kShortHashKeyBytes bytes, random and secret.
std::uint64_t short_hash(std::string_view key, std::string_view text);

}  // namespace vodlift
