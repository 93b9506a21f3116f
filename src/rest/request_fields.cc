#include "rest/request_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "base/encoding.h"
#include "base/text.h"
#include "door/json_text.h"

namespace vodlift::rest {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxShownBytes = 64;
constexpr std::string_view kJson = "application/json";

// A number, or the text where it is none.
json::value number_or_text(std::string_view text) {
  if (const auto number = door::whole_number(json::value(text))) return *number;
  return json::value(text);
}

json::array list_of(std::string_view text, bool numbers) {
  json::array list;
  while (true) {
    const std::string_view entry = text.substr(0, text.find(','));
    list.push_back(numbers ? number_or_text(entry) : json::value(entry));
    if (entry.size() == text.size()) return list;
    text.remove_prefix(entry.size() + 1);
  }
}

json::value typed(const FieldSpec* spec, const std::string& text) {
  if (spec == nullptr) return json::value(text);
  switch (spec->type) {
    case FieldType::number:
      return number_or_text(text);
    case FieldType::flag:
      if (text == "true") return true;
      if (text == "false") return false;
      return json::value(text);
    case FieldType::ids:
      return list_of(text, true);
    case FieldType::words:
    case FieldType::texts:
      return list_of(text, false);
    default:
      return json::value(text);
  }
}

Error given_twice(std::string_view name) {
  return {Errc::invalid_value, fmt::format("{}: is given twice", printable(name, kMaxShownBytes))};
}

class Gathering {
 public:
  Gathering(std::span<const FieldSpec> specs, json::object body) : specs_(specs), object_(std::move(body)) {}

  Result<> add(std::string_view raw_name, std::string_view raw_value, bool plus) {
    const auto name = uri_decode(raw_name, plus);
    const auto value = uri_decode(raw_value, plus);
    if (!name || !value) {
      return Error{Errc::bad_request,
                   fmt::format("{}: expected percent-encoded UTF-8, found {}", printable(raw_name, kMaxShownBytes),
                               printable(raw_value, kMaxShownBytes))};
    }
    const auto spec = std::ranges::find(specs_, *name, &FieldSpec::name);
    if (!object_.emplace(*name, typed(spec == specs_.end() ? nullptr : &*spec, *value)).second) {
      return given_twice(*name);
    }
    return {};
  }

  Result<> add_query(std::string_view query) {
    while (!query.empty()) {
      const std::string_view pair = query.substr(0, query.find('&'));
      query.remove_prefix(std::min(pair.size() + 1, query.size()));
      if (pair.empty()) continue;
      const std::size_t equals = std::min(pair.find('='), pair.size());
      if (auto added = add(pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size())), true); !added) {
        return added;
      }
    }
    return {};
  }

  json::object take() { return std::move(object_); }

 private:
  const std::span<const FieldSpec> specs_;
  json::object object_;
};

// "application/json", whatever its parameters are.
bool is_json(std::string_view content_type) {
  const std::string_view type = trimmed(content_type.substr(0, content_type.find(';')));
  return to_lower(type) == kJson;
}

Result<json::object> read_body(const net::Request& request) {
  if (request.body.empty()) return json::object();
  if (request.method == "GET" || request.method == "DELETE") {
    return Error{Errc::bad_request,
                 fmt::format("a {} request has no body; its fields go into the query", request.method)};
  }
  // Also because a browser sends no other site's form as JSON without asking this server first.
  if (!is_json(request.header("content-type"))) {
    return Error{Errc::unsupported_media_type, "the body must be JSON, sent with Content-Type: application/json"};
  }
  auto parsed = door::parse_json(request.body);
  if (!parsed) return Error{Errc::bad_request, fmt::format("the body cannot be used: {}", parsed.error().message)};
  if (!parsed->is_object()) return Error{Errc::bad_request, "the body must be a JSON object"};
  return std::move(parsed->as_object());
}

}  // namespace

std::optional<std::string> uri_decode(std::string_view text, bool plus) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%') {
      const auto byte = from_hex(text.substr(at + 1, 2));
      if (!byte || byte->size() != 1) return std::nullopt;
      decoded += *byte;
      at += 2;
    } else {
      decoded += plus && text[at] == '+' ? ' ' : text[at];
    }
  }
  if (!is_valid_utf8(decoded)) return std::nullopt;
  return decoded;
}

std::pair<std::string_view, std::string_view> split_target(std::string_view target) {
  const std::size_t mark = std::min(target.find('?'), target.size());
  return {target.substr(0, mark), target.substr(std::min(mark + 1, target.size()))};
}

Result<json::object> gather_fields(const RouteMatch& match, const net::Request& request) {
  auto body = read_body(request);
  if (!body) return body.error();
  Gathering gathering(match.route->fields, std::move(*body));
  for (const auto& [name, value] : match.values) {
    if (auto added = gathering.add(name, value, false); !added) return added.error();
  }
  if (auto added = gathering.add_query(split_target(request.target).second); !added) return added.error();
  return gathering.take();
}

}  // namespace vodlift::rest
