// What a command says about one of its fields. Doors check requests by it; docs/api.md and --help are written from it.
// And the errors that the rules for fields share.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace vodlift {

enum class FieldType {
  text,     // a string of at most `high` bytes
  number,   // a whole number, `low` to `high`
  flag,     // true or false
  word,     // one of `words`
  words,    // one of `words`, or a list of 1 to as many as there are
  ids,      // one number from 1, or a list of 1 to `high` of them
  texts,    // a list of at most `high` strings
  pairs,    // an object whose values are strings
  objects,  // a list of at most `high` objects; their members have rules of their own
};

struct FieldSpec {
  std::string_view name;
  FieldType type = FieldType::text;
  bool required = false;
  std::int64_t low = 0;
  std::int64_t high = 0;
  std::span<const std::string_view> words{};
  std::string_view otherwise{};  // the value of an absent text, number or word, written as a client would write it
  bool audited = false;          // the audit log shows its value; never set it for a field that may hold a secret
  std::string_view about{};      // one line of Markdown; how docs/api.md and --help explain the field
};

inline Error invalid_field(std::string_view field, std::string_view why) {
  return {Errc::invalid_value, std::string(field) + ": " + std::string(why)};
}

inline Error field_too_long(std::string_view field, std::size_t bytes, std::size_t limit) {
  return invalid_field(field, std::to_string(bytes) + " bytes; at most " + std::to_string(limit) + " are allowed");
}

}  // namespace vodlift
