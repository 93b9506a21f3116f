#include "door/json_text.h"

#include <fmt/format.h>

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/string.hpp>
#include <cmath>
#include <utility>

#include "base/encoding.h"

namespace vodlift::door {
namespace {

namespace json = boost::json;

Error refused(std::string_view why) { return {Errc::invalid_value, std::string(why)}; }

// Refuses what the grammar allows but the doors do not. The parser has limited the depth.
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

Result<json::value> parse_tree(std::string_view text, json::storage_ptr memory) {
  std::array<unsigned char, 2048> scratch;
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::parser parser({}, options, scratch.data(), scratch.size());
  parser.reset(std::move(memory));
  json::error_code problem;
  const std::size_t consumed = parser.write(text.data(), text.size(), problem);
  if (problem) return refused(fmt::format("not valid near byte {} ({})", consumed, problem.message()));
  return parser.release();
}

}  // namespace

std::size_t count_json_members(std::string_view text) {
  std::size_t members = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (in_string && text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      in_string = !in_string;
    } else if (!in_string && text[at] == ':') {
      ++members;
    }
  }
  return members;
}

Result<json::value> parse_json(std::string_view text, json::storage_ptr memory, std::size_t members) {
  if (!is_valid_utf8(text)) return refused("not valid UTF-8");
  auto root = parse_tree(text, std::move(memory));
  if (!root) return root.error();
  TreeCheck check;
  if (auto walked = check.walk(*root); !walked) return walked.error();
  if (check.members() != members) return refused("a name occurs twice in one object");
  return root;
}

}  // namespace vodlift::door
