// The value of the form's field `php`: serialized, or JSON text.
#pragma once

#include <boost/json/storage_ptr.hpp>
#include <cstddef>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "legacy/php_value.h"
#include "legacy/signed_request.h"

namespace vodlift::legacy {

inline constexpr std::size_t kMaxPhpBytes = std::size_t{64} * 1024;
inline constexpr std::size_t kMaxPhpDepth = 16;    // arrays in arrays
inline constexpr std::size_t kMaxPhpNodes = 1000;  // values of every kind, at every depth; keys do not count

struct PhpDocument {
  PhpValue root;                   // an array
  std::vector<std::size_t> pairs;  // where each pair of the root begins in the text; and where the last one ends
};

// Reads one array. It may hold a, b, d, i, N and s as serialize() writes them, and floats in any decimal spelling
// (older PHP writes more digits): so each text has one meaning, and each meaning except a float's one text. Stricter
// than PHP, it refuses objects, references and every other type; `S:`, signs and leading zeros, `b:2;`, INF and NAN;
// string keys that PHP would turn into numbers; a key twice; bytes after the end. Every length and count is compared
// with the bytes that are left before memory is allocated. Errors: invalid_value; the message says what and where.
Result<PhpDocument> parse_php(std::string_view text);

// Reads `text` by its first bytes: `{` is JSON (parse_json_request()), `a:` an array that PHP serialized (parse_php()).
// The array's fields are those that a JSON client of the same array sends. Text must be UTF-8 without NUL, as in JSON.
// Errors: invalid_value; the message says what and where.
Result<SignedRequest> parse_php_request(std::string_view text, boost::json::storage_ptr memory);

}  // namespace vodlift::legacy
