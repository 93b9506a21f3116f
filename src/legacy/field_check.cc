#include "legacy/field_check.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <limits>
#include <string>

#include "base/encoding.h"
#include "legacy/fields.h"

namespace vodlift::legacy {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxShownBytes = 64;

Error refused(std::string_view field, std::string_view why) {
  return {Errc::invalid_value, std::string(field) + ": " + std::string(why)};
}

std::string range_text(const FieldSpec& spec) {
  const std::string low = std::to_string(spec.low);
  if (spec.high == std::numeric_limits<std::int64_t>::max()) return low + " or more";
  return low + " to " + std::to_string(spec.high);
}

std::string words_text(const FieldSpec& spec) {
  std::string out;
  for (std::size_t i = 0; i < spec.words.size(); ++i) {
    if (i > 0) out += i + 1 == spec.words.size() ? " or " : ", ";
    out += spec.words[i];
  }
  return out;
}

Result<> check_text(const FieldSpec& spec, const json::value& value) {
  const json::string* text = value.if_string();
  if (text == nullptr) return refused(spec.name, "must be a string");
  if (text->size() > static_cast<std::size_t>(spec.high)) {
    return refused(spec.name,
                   std::to_string(text->size()) + " bytes; at most " + std::to_string(spec.high) + " are allowed");
  }
  return {};
}

Result<> check_number(const FieldSpec& spec, const json::value& value) {
  const auto number = whole_number(value);
  if (number && *number >= spec.low && *number <= spec.high) return {};
  return refused(spec.name, "must be a whole number, " + range_text(spec));
}

Result<> check_ids(const FieldSpec& spec, const json::value& value) {
  const auto is_id = [](const json::value& one) { return whole_number(one).value_or(0) >= 1; };
  const json::array* list = value.if_array();
  if (list != nullptr && (list->empty() || list->size() > static_cast<std::size_t>(spec.high))) {
    return refused(spec.name, "a list must hold 1 to " + std::to_string(spec.high) + " ids");
  }
  if (list == nullptr ? is_id(value) : std::ranges::all_of(*list, is_id)) return {};
  return refused(spec.name, "must be a whole number from 1, or a list of such numbers");
}

Result<> check_word(const FieldSpec& spec, const json::value& value) {
  const json::string* text = value.if_string();
  const auto is_it = [text](std::string_view word) { return std::string_view(text->data(), text->size()) == word; };
  if (text != nullptr && std::ranges::any_of(spec.words, is_it)) return {};
  return refused(spec.name, "must be " + words_text(spec));
}

Result<> check_words(const FieldSpec& spec, const json::value& value) {
  const json::array* list = value.if_array();
  if (list == nullptr) return check_word(spec, value);
  if (list->empty() || list->size() > spec.words.size()) {
    return refused(spec.name, "a list must hold 1 to " + std::to_string(spec.words.size()) + " words");
  }
  const auto is_word = [&spec](const json::value& one) { return static_cast<bool>(check_word(spec, one)); };
  if (std::ranges::all_of(*list, is_word)) return {};
  return refused(spec.name, "each word of the list must be " + words_text(spec));
}

Result<> check_pairs(const FieldSpec& spec, const json::value& value) {
  if (const json::array* list = value.if_array(); list != nullptr && list->empty()) return {};
  const json::object* object = value.if_object();
  if (object == nullptr) return refused(spec.name, "must be an object of names and values");
  for (const auto& member : *object) {
    if (member.value().is_string() || member.value().is_int64()) continue;
    const std::string_view name(member.key().data(), member.key().size());
    return refused(std::string(spec.name) + "." + printable(name, kMaxShownBytes),
                   "must be a string or a whole number");
  }
  return {};
}

}  // namespace

Result<> check_field(const FieldSpec& spec, const json::value& value) {
  switch (spec.type) {
    case FieldType::text:
      return check_text(spec, value);
    case FieldType::number:
      return check_number(spec, value);
    case FieldType::ids:
      return check_ids(spec, value);
    case FieldType::word:
      return check_word(spec, value);
    case FieldType::words:
      return check_words(spec, value);
    case FieldType::pairs:
      break;
  }
  return check_pairs(spec, value);
}

}  // namespace vodlift::legacy
