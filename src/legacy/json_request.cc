#include "legacy/json_request.h"

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/string.hpp>
#include <cmath>

#include "base/encoding.h"
#include "legacy/json_scanner.h"

namespace vodlift::legacy {
namespace {

namespace json = boost::json;

Error refused(std::string_view why) { return {Errc::invalid_value, "json: " + std::string(why)}; }

// What the grammar allows and this door does not. The parser has bounded the depth.
class TreeCheck {
 public:
  Result<> walk(const json::value& value) {
    if (const auto* object = value.if_object()) {
      members_ += object->size();
      for (const auto& member : *object) {
        if (member.key().find('\0') != json::string_view::npos) return refused("\\u0000 is not allowed");
        if (auto inner = walk(member.value()); !inner) return inner;
      }
    } else if (const auto* array = value.if_array()) {
      for (const json::value& element : *array) {
        if (auto inner = walk(element); !inner) return inner;
      }
    } else if (const auto* text = value.if_string()) {
      if (text->find('\0') != json::string::npos) return refused("\\u0000 is not allowed");
    } else if (const double* number = value.if_double(); number != nullptr && !std::isfinite(*number)) {
      return refused("a number is too large");
    }
    return {};
  }

  // Of all objects together; the parser keeps the last of two equal names.
  [[nodiscard]] std::size_t members() const { return members_; }

 private:
  std::size_t members_ = 0;
};

Result<json::value> parse(std::string_view text, json::storage_ptr memory) {
  std::array<unsigned char, 2048> scratch;
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::parser parser({}, options, scratch.data(), scratch.size());
  parser.reset(std::move(memory));
  json::error_code problem;
  const std::size_t consumed = parser.write(text.data(), text.size(), problem);
  if (problem) return refused("not valid near byte " + std::to_string(consumed) + " (" + problem.message() + ")");
  return parser.release();
}

}  // namespace

Result<SignedRequest> parse_json_request(std::string_view text, json::storage_ptr memory) {
  const auto scan = scan_json(text);
  if (!scan) return scan.error();
  if (!is_valid_utf8(text)) return refused("not valid UTF-8");
  auto root = parse(text, std::move(memory));
  if (!root) return root.error();
  if (!root->is_object()) return refused("an object is needed: {\"command\":…}");
  TreeCheck check;
  if (auto walked = check.walk(*root); !walked) return walked.error();
  if (check.members() != scan->members) return refused("a name is there twice in one object");
  return SignedRequest{.root = std::move(*root), .signed_text = signed_text(text, *scan), .signed_serialized = {}};
}

}  // namespace vodlift::legacy
