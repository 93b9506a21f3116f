// What a command's row says of each of its fields.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace vodlift::legacy {

enum class FieldType {
  text,    // a string of at most `high` bytes
  number,  // a whole number, `low` to `high`; a string of digits as well
  ids,     // one number from 1, or a list of 1 to `high` of them
  word,    // one of `words`
  words,   // one of `words`, or a list of 1 to as many as there are
  pairs,   // an object of strings and whole numbers; PHP's empty array too
};

struct FieldSpec {
  std::string_view name;
  FieldType type = FieldType::text;
  bool required = false;
  std::int64_t low = 0;
  std::int64_t high = 0;
  std::span<const std::string_view> words{};
  std::string_view otherwise{};  // what an absent text, number or word is read as; written as a client would write it
  bool audited = false;          // the audit log names its value; never one that may hold a secret
  std::string_view about{};      // for docs/api.md; one line of Markdown
};

}  // namespace vodlift::legacy
