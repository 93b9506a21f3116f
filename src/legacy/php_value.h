// Values of PHP: arrays and scalars, and how PHP 8.2 writes them (serialize_precision -1, no flags), byte for byte.
#pragma once

#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"

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

// The key that PHP uses for `name`: the number that it spells ("5", "-3"), or `name` itself.
PhpKey php_key(std::string_view name);

// True when the keys are 0, 1, 2… in this order, or there are none: such an array is a list in PHP's JSON.
bool is_php_list(const PhpArray& array);

// A value as a JSON parser reads it from php_json_encode(value): lists become arrays, other arrays objects, and a float
// that JSON writes as whole digits becomes a whole number. Recurses as deep as `value`, which the parser has bounded.
boost::json::value json_from_php(const PhpValue& value, boost::json::storage_ptr memory);

// A JSON value as PHP's json_decode($text, true) gives it. Recurses as deep as `value`.
PhpValue php_from_json(const boost::json::value& value);

// serialize($value). Recurses as deep as `value`.
std::string php_serialize(const PhpValue& value);

// json_encode($value): `/` and all characters beyond ASCII are escaped. Errors: invalid_value (a string or key is not
// UTF-8, a float is not finite), where PHP answers false. Recurses as deep as `value`.
Result<std::string> php_json_encode(const PhpValue& value);

// A finite float in the fewest digits that give it back, as both write it; `exponent` is 'E' in serialize(), 'e' in
// JSON.
std::string php_float(double number, char exponent);

}  // namespace vodlift::legacy
