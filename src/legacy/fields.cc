#include "legacy/fields.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/string.hpp>
#include <charconv>
#include <limits>

#include "base/encoding.h"

namespace vodlift::legacy {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDigits = 19;
constexpr std::size_t kMaxShownBytes = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string range_text(std::int64_t low, std::int64_t high) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  return high == kMax ? std::to_string(low) + " or more" : std::to_string(low) + " to " + std::to_string(high);
}

}  // namespace

std::optional<std::int64_t> whole_number(const json::value& value) {
  if (const std::int64_t* number = value.if_int64()) return *number;
  const json::string* text = value.if_string();
  if (text == nullptr || text->empty() || text->size() > kMaxDigits) return std::nullopt;
  if (!std::all_of(text->begin(), text->end(), is_digit)) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (problem != std::errc{}) return std::nullopt;
  return number;
}

const json::value* Fields::find(std::string_view name) const { return object_.if_contains(name); }

void Fields::refuse(std::string_view name, std::string_view why) {
  if (!invalid_) invalid_ = Error{Errc::invalid_value, std::string(name) + ": " + std::string(why)};
}

void Fields::refuse_unsupported(std::string_view name) {
  if (find(name) != nullptr) refuse(name, "this field is not supported; leave it out");
}

std::string Fields::text(std::string_view name) {
  if (find(name) != nullptr) return text_or(name, {});
  if (!missing_.empty()) missing_ += ", ";
  missing_ += name;
  return {};
}

std::string Fields::text_or(std::string_view name, std::string_view otherwise) {
  const json::value* value = find(name);
  if (value == nullptr) return std::string(otherwise);
  const json::string* text = value->if_string();
  if (text != nullptr) return std::string(text->data(), text->size());
  refuse(name, "must be a string");
  return std::string(otherwise);
}

std::int64_t Fields::number_or(std::string_view name, std::int64_t otherwise, std::int64_t low, std::int64_t high) {
  const json::value* value = find(name);
  if (value == nullptr) return otherwise;
  const auto number = whole_number(*value);
  if (number && *number >= low && *number <= high) return *number;
  refuse(name, "must be a whole number, " + range_text(low, high));
  return otherwise;
}

std::vector<std::int64_t> Fields::ids(std::string_view name, std::size_t max_count) {
  const json::value* value = find(name);
  if (value == nullptr) return {};
  const json::array* list = value->if_array();
  const std::size_t count = list == nullptr ? 1 : list->size();
  if (count == 0 || count > max_count) {
    refuse(name, "a list must hold 1 to " + std::to_string(max_count) + " ids");
    return {};
  }
  std::vector<std::int64_t> ids;
  ids.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto id = whole_number(list == nullptr ? *value : (*list)[i]);
    if (!id || *id < 1) {
      refuse(name, "must be a whole number from 1, or a list of such numbers");
      return {};
    }
    ids.push_back(*id);
  }
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

Metadata Fields::metadata(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) return {};
  if (const json::array* list = value->if_array(); list != nullptr && list->empty()) return {};
  const json::object* object = value->if_object();
  if (object == nullptr) {
    refuse(name, "must be an object of names and values");
    return {};
  }
  Metadata out;
  for (const auto& member : *object) {
    const std::string_view key(member.key().data(), member.key().size());
    if (const json::string* text = member.value().if_string()) {
      out.emplace(key, std::string(text->data(), text->size()));
    } else if (const std::int64_t* number = member.value().if_int64()) {
      out.emplace(key, std::to_string(*number));
    } else {
      refuse(std::string(name) + "." + printable(key, kMaxShownBytes), "must be a string or a whole number");
    }
  }
  return out;
}

std::optional<Error> Fields::fault() const {
  if (!missing_.empty()) return Error{Errc::missing_field, "missing required fields: " + missing_};
  return invalid_;
}

}  // namespace vodlift::legacy
