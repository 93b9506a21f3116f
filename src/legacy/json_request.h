// The text of a request, parsed strictly, and the place of its signature in it.
#pragma once

#include <boost/json/storage_ptr.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"
#include "legacy/signed_request.h"

namespace vodlift::legacy {

inline constexpr std::size_t kMaxJsonBytes = std::size_t{64} * 1024;
inline constexpr std::size_t kMaxJsonNodes = 1000;  // values of every kind, at every depth

// The result of a scan. Meaningful only for text that a strict parser accepts as well: the scanner looks for limits and
// places and does not check the grammar.
struct JsonScan {
  std::size_t members = 0;  // in all objects; if more than in the parsed tree, some name occurs twice
  // Bytes [cut_begin, cut_end) hold the top-level member `signature` and one comma; equal when there is none.
  std::size_t cut_begin = 0;
  std::size_t cut_end = 0;
};

// Scans `text` once. Finds the member in every spelling of its name ("\u0073ignature" too). The comma that is cut with
// it is the one before it; for a first member the one after it, with the white space up to the next name. Errors:
// invalid_value (not an object, beyond a limit, a string does not end, two top-level signatures).
Result<JsonScan> scan_json(std::string_view text);

// `text` without the signature member: the bytes that were signed.
std::string signed_text(std::string_view text, const JsonScan& scan);

// Parses `text` by RFC 8259 and I-JSON: one object, valid UTF-8, no lone surrogates, no name twice at any depth, no
// \u0000, no number beyond a double, and the limits above. Errors: invalid_value, the message says what and where.
Result<SignedRequest> parse_json_request(std::string_view text, boost::json::storage_ptr memory);

}  // namespace vodlift::legacy
