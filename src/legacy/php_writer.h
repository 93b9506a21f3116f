// Writes PHP values byte for byte as PHP does (8.2, serialize_precision -1, no flags).
#pragma once

#include <string>

#include "base/error.h"
#include "legacy/php_value.h"

namespace vodlift::legacy {

// serialize($value). Recurses as deep as `value`.
std::string php_serialize(const PhpValue& value);

// json_encode($value): `/` and everything beyond ASCII is escaped. Errors: invalid_value (a string or key is not UTF-8,
// a float is not finite), where PHP answers false. Recurses as deep as `value`.
Result<std::string> php_json_encode(const PhpValue& value);

// A finite float in the fewest digits that give it back, as both write it; `exponent` is 'E' in serialize(), 'e' in
// JSON.
std::string php_float(double number, char exponent);

}  // namespace vodlift::legacy
