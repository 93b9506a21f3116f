// Reads and writes PHP's formats for tests/e2e/test_php_oracle.py, which compares us with php-cli. Bytes are in hex.
// In:  s HEX: a serialized array; j HEX: JSON text; t HEX: JSON text of a value of metadata; one a line
// Out: for s: what serialize() and json_encode() make of it, with a space between, `!` where JSON cannot hold it;
//      for j: what serialize() makes of json_decode() of it;
//      for t: the text that the metadata get;
//      or `-` where it is refused; one line each
#include <array>
#include <boost/json/parse.hpp>
#include <iostream>
#include <string>

#include "base/encoding.h"
#include "door/fields.h"
#include "legacy/php_request.h"
#include "legacy/php_value.h"

namespace {

namespace legacy = vodlift::legacy;

std::string hex(std::string_view text) { return vodlift::to_hex(vodlift::bytes_of(text)); }

std::string reread(std::string_view text) {
  const auto document = legacy::parse_php(text);
  if (!document) return "-";
  const auto json = legacy::php_json_encode(document->root);
  return hex(legacy::php_serialize(document->root)) + " " + (json ? hex(*json) : "!");
}

std::string text_of(std::string_view json) {
  constexpr std::array kSpecs = {vodlift::FieldSpec{.name = "metadata", .type = vodlift::FieldType::pairs}};
  const boost::json::object request = {{"metadata", boost::json::object{{"value", boost::json::parse(json)}}}};
  const auto fields = vodlift::door::Fields::read(kSpecs, request, vodlift::door::Dialect::lenient);
  return fields ? hex(fields->pairs("metadata").at("value")) : "-";
}

std::string answer_to(std::string_view line) {
  const auto text = vodlift::from_hex(line.substr(2));
  if (!text) return "not hex";
  if (line.starts_with("s ")) return reread(*text);
  if (line.starts_with("t ")) return text_of(*text);
  return hex(legacy::php_serialize(legacy::php_from_json(boost::json::parse(*text))));
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    try {
      std::cout << answer_to(line) << '\n';
    } catch (const std::exception& fault) {
      std::cerr << "php_tool: " << fault.what() << " in: " << line << '\n';
      return 1;
    }
  }
  return 0;
}
