#include "legacy/fields.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/string.hpp>
#include <charconv>
#include <iterator>
#include <stdexcept>

#include "base/encoding.h"
#include "legacy/common_fields.h"
#include "legacy/field_check.h"
#include "legacy/near_miss.h"

namespace vodlift::legacy {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxShownBytes = 64;

constexpr std::size_t kMaxDigits = 19;

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

std::optional<std::int64_t> number_from_digits(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || text.size() > kMaxDigits || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{}) return std::nullopt;
  return number;
}

bool is_known(std::span<const FieldSpec> specs, std::string_view name) {
  return std::ranges::find(specs, name, &FieldSpec::name) != specs.end() ||
         std::ranges::find(kCommonFields, name, &FieldSpec::name) != kCommonFields.end();
}

std::string missing_names(std::span<const FieldSpec> specs, const json::object& object) {
  std::string names;
  for (const FieldSpec& spec : specs) {
    if (!spec.required || object.contains(spec.name)) continue;
    if (!names.empty()) names += ", ";
    names += spec.name;
  }
  return names;
}

Result<> refuse_near_misses(std::span<const FieldSpec> specs, const json::object& object) {
  for (const auto& member : object) {
    const std::string_view name(member.key().data(), member.key().size());
    if (is_known(specs, name)) continue;
    for (const FieldSpec& spec : specs) {
      if (!is_near_miss(name, spec.name)) continue;
      return Error{Errc::invalid_value, printable(name, kMaxShownBytes) + ": there is no such field; did you mean " +
                                            std::string(spec.name) + "?"};
    }
  }
  return {};
}

}  // namespace

std::optional<std::int64_t> whole_number(const json::value& value) {
  if (const std::int64_t* number = value.if_int64()) return *number;
  const json::string* text = value.if_string();
  return text == nullptr ? std::nullopt : number_from_digits(view(*text));
}

Result<Fields> Fields::read(std::span<const FieldSpec> specs, const json::object& object) {
  if (const std::string names = missing_names(specs, object); !names.empty()) {
    return Error{Errc::missing_field, "missing required fields: " + names};
  }
  for (const FieldSpec& spec : specs) {
    const json::value* value = object.if_contains(spec.name);
    if (value == nullptr) continue;
    if (auto checked = check_field(spec, *value); !checked) return checked.error();
  }
  if (auto names = refuse_near_misses(specs, object); !names) return names.error();
  return Fields(specs, object);
}

const FieldSpec& Fields::spec(std::string_view name, FieldType type) const {
  const auto found = std::ranges::find(specs_, name, &FieldSpec::name);
  const bool readable =
      found != specs_.end() && (found->type == type || (type == FieldType::text && found->type == FieldType::word));
  if (!readable) throw std::logic_error("the command's row has no such field: " + std::string(name));
  return *found;
}

std::string_view Fields::text(std::string_view name) const {
  const FieldSpec& wanted = spec(name, FieldType::text);
  const json::value* value = object_->if_contains(name);
  return value == nullptr ? wanted.otherwise : view(value->get_string());
}

std::int64_t Fields::number(std::string_view name) const {
  const FieldSpec& wanted = spec(name, FieldType::number);
  const json::value* value = object_->if_contains(name);
  return (value == nullptr ? number_from_digits(wanted.otherwise) : whole_number(*value)).value_or(0);
}

std::vector<std::int64_t> Fields::ids(std::string_view name) const {
  static_cast<void>(spec(name, FieldType::ids));
  const json::value* value = object_->if_contains(name);
  if (value == nullptr) return {};
  std::vector<std::int64_t> ids;
  if (const json::array* list = value->if_array()) {
    for (const json::value& element : *list) ids.push_back(whole_number(element).value_or(0));
  } else {
    ids.push_back(whole_number(*value).value_or(0));
  }
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

std::vector<std::string_view> Fields::words(std::string_view name) const {
  const FieldSpec& wanted = spec(name, FieldType::words);
  const json::value* value = object_->if_contains(name);
  if (value == nullptr) return {};
  const auto is_given = [value](std::string_view word) {
    const auto is_it = [word](const json::value& one) { return view(one.get_string()) == word; };
    const json::array* list = value->if_array();
    return list == nullptr ? is_it(*value) : std::ranges::any_of(*list, is_it);
  };
  std::vector<std::string_view> out;
  std::ranges::copy_if(wanted.words, std::back_inserter(out), is_given);
  return out;
}

Metadata Fields::pairs(std::string_view name) const {
  static_cast<void>(spec(name, FieldType::pairs));
  const json::value* value = object_->if_contains(name);
  const json::object* object = value == nullptr ? nullptr : value->if_object();
  if (object == nullptr) return {};
  Metadata out;
  for (const auto& member : *object) {
    const json::string* text = member.value().if_string();
    out.emplace(member.key(), text != nullptr ? std::string(view(*text)) : std::to_string(member.value().get_int64()));
  }
  return out;
}

}  // namespace vodlift::legacy
