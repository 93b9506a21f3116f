// What PHP's serialize() writes of arrays and scalars, as a value.
#pragma once

#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace vodlift::legacy {

struct PhpPair;
// In the order of the text.
using PhpArray = std::vector<PhpPair>;
// Never a string that php_integer_key() takes for a number: PHP has no such keys.
using PhpKey = std::variant<std::int64_t, std::string>;

struct PhpValue {
  std::variant<std::monostate, bool, std::int64_t, double, std::string, PhpArray> is;

  bool operator==(const PhpValue&) const = default;
};

struct PhpPair {
  PhpKey key;
  PhpValue value;

  bool operator==(const PhpPair&) const = default;
};

// The key that PHP makes of `name`: the number it spells ("5", "-3"), or itself.
PhpKey php_key(std::string_view name);

// True when the keys are 0, 1, 2… in this order (no keys at all, too): what PHP's JSON writes in square brackets.
bool is_php_list(const PhpArray& array);

// What a JSON parser reads in php_json_encode(value): lists become arrays, other arrays objects, and a float that JSON
// writes as whole digits becomes a whole number. Recurses as deep as `value`, which the parser has bounded.
boost::json::value json_from_php(const PhpValue& value, boost::json::storage_ptr memory);

// What PHP's json_decode($text, true) makes of a JSON value. Recurses as deep as `value`.
PhpValue php_from_json(const boost::json::value& value);

}  // namespace vodlift::legacy
