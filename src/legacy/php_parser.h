// A strict reader of what PHP's serialize() writes.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "legacy/php_value.h"

namespace vodlift::legacy {

inline constexpr std::size_t kMaxPhpBytes = std::size_t{64} * 1024;
inline constexpr std::size_t kMaxPhpDepth = 16;    // arrays in arrays
inline constexpr std::size_t kMaxPhpNodes = 1000;  // values of every kind, at every depth; keys do not count

struct PhpDocument {
  PhpValue root;                   // an array
  std::vector<std::size_t> pairs;  // where each pair of the root begins in the text; and where the last one ends
};

// Reads one array. Taken are a, b, d, i, N and s as serialize() spells them, and floats of any spelling in digits
// (older PHP writes more of them): what is read has one meaning, and but for floats one text. Refused, and stricter
// than PHP: objects, references and every other type; `S:`, signs and zeros in front, `b:2;`, INF and NAN; string keys
// that PHP would make numbers of; a key twice; bytes behind the end. Every length and count is held against the bytes
// that are left before anything is allocated. Errors: invalid_value, telling what and where.
Result<PhpDocument> parse_php(std::string_view text);

}  // namespace vodlift::legacy
