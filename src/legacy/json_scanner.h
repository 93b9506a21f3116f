// One look at the raw text of a request: where its signature stands, and how much there is of everything.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace vodlift::legacy {

inline constexpr std::size_t kMaxJsonBytes = std::size_t{64} * 1024;
inline constexpr std::size_t kMaxJsonDepth = 16;
inline constexpr std::size_t kMaxJsonNodes = 1000;  // values of every kind, at every depth

// What the scan saw. Meaningful only for text that a strict parser accepts as well: the scanner looks for limits and
// places, it does not judge the grammar.
struct JsonScan {
  std::size_t members = 0;  // of all objects together: more than the parsed tree has means a name is there twice
  // Bytes [cut_begin, cut_end) hold the top-level member `signature` and one comma; equal when there is none.
  std::size_t cut_begin = 0;
  std::size_t cut_end = 0;
};

// Scans `text` once. The member is found however its name is spelled ("\u0073ignature" too). The comma cut with it is
// the one before it; for a first member the one behind it, with the white space up to the next name.
// Errors: invalid_value (not an object, a limit above is passed, a string does not end, two top-level signatures).
Result<JsonScan> scan_json(std::string_view text);

// `text` without the signature member: the bytes that were signed.
std::string signed_text(std::string_view text, const JsonScan& scan);

}  // namespace vodlift::legacy
