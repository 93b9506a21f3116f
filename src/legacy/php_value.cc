#include "legacy/php_value.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <charconv>
#include <optional>
#include <utility>

#include "legacy/php_writer.h"

namespace vodlift::legacy {
namespace {

namespace json = boost::json;

// The number that `text` is the one spelling of: no sign but a minus, no zeros in front, no "-0".
std::optional<std::int64_t> canonical_integer(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || (digits.front() == '0' && text.size() > 1)) return std::nullopt;
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, number);
  if (problem != std::errc{} || stop != end) return std::nullopt;
  return number;
}

std::string name_of(const PhpKey& key) {
  const std::string* text = std::get_if<std::string>(&key);
  return text != nullptr ? *text : std::to_string(std::get<std::int64_t>(key));
}

json::value json_from_array(const PhpArray& pairs, const json::storage_ptr& memory) {
  if (is_php_list(pairs)) {
    json::array list(memory);
    list.reserve(pairs.size());
    for (const PhpPair& pair : pairs) list.push_back(json_from_php(pair.value, memory));
    return list;
  }
  json::object object(memory);
  object.reserve(pairs.size());
  for (const PhpPair& pair : pairs) object.emplace(name_of(pair.key), json_from_php(pair.value, memory));
  return object;
}

json::value json_from_float(double number, const json::storage_ptr& memory) {
  if (const auto whole = canonical_integer(php_float(number, 'e'))) return json::value(*whole, memory);
  return json::value(number, memory);
}

}  // namespace

PhpKey php_key(std::string_view name) {
  if (const auto number = canonical_integer(name)) return *number;
  return std::string(name);
}

bool is_php_list(const PhpArray& array) {
  std::int64_t next = 0;
  for (const PhpPair& pair : array) {
    const std::int64_t* number = std::get_if<std::int64_t>(&pair.key);
    if (number == nullptr || *number != next++) return false;
  }
  return true;
}

// NOLINTNEXTLINE(misc-no-recursion): bounded by the parser
json::value json_from_php(const PhpValue& value, json::storage_ptr memory) {
  if (const auto* flag = std::get_if<bool>(&value.is)) return json::value(*flag, std::move(memory));
  if (const auto* number = std::get_if<std::int64_t>(&value.is)) return json::value(*number, std::move(memory));
  if (const auto* number = std::get_if<double>(&value.is)) return json_from_float(*number, memory);
  if (const auto* text = std::get_if<std::string>(&value.is)) return json::string(*text, std::move(memory));
  if (const auto* pairs = std::get_if<PhpArray>(&value.is)) return json_from_array(*pairs, memory);
  return json::value(nullptr, std::move(memory));
}

// NOLINTNEXTLINE(misc-no-recursion): answers are as deep as their commands make them
PhpValue php_from_json(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return {};
    case json::kind::bool_:
      return {value.get_bool()};
    case json::kind::int64:
      return {value.get_int64()};
    case json::kind::uint64:  // beyond what a signed one holds
      return {static_cast<double>(value.get_uint64())};
    case json::kind::double_:
      return {value.get_double()};
    case json::kind::string:
      return {std::string(value.get_string())};
    case json::kind::array: {
      PhpArray pairs;
      for (const json::value& element : value.get_array()) {
        pairs.push_back({static_cast<std::int64_t>(pairs.size()), php_from_json(element)});
      }
      return {std::move(pairs)};
    }
    case json::kind::object:
      break;
  }
  PhpArray pairs;
  for (const auto& member : value.get_object()) {
    pairs.push_back({php_key({member.key().data(), member.key().size()}), php_from_json(member.value())});
  }
  return {std::move(pairs)};
}

}  // namespace vodlift::legacy
