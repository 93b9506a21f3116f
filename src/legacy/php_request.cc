#include "legacy/php_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "legacy/json_request.h"
#include "legacy/php_parser.h"
#include "legacy/php_writer.h"

namespace vodlift::legacy {
namespace {

namespace json = boost::json;

Error refused(std::string_view why) { return {Errc::invalid_value, "php: " + std::string(why)}; }

// The root's bytes without the pair at `index`.
std::string without_pair(std::string_view text, const PhpDocument& document, std::size_t index) {
  std::string out = fmt::format("a:{}:{{", document.pairs.size() - 2);
  const std::size_t begin = document.pairs.front();
  out += text.substr(begin, document.pairs[index] - begin);
  out += text.substr(document.pairs[index + 1]);
  return out;
}

Result<SignedRequest> from_serialized(std::string_view text, const json::storage_ptr& memory) {
  auto document = parse_php(text);
  if (!document) return document.error();
  if (!is_valid_utf8(text)) return refused("not valid UTF-8");
  if (text.find('\0') != std::string_view::npos) return refused("a NUL character is not allowed");
  auto& pairs = std::get<PhpArray>(document->root.is);
  SignedRequest request{
      .root = pairs.empty() ? json::value(json::object(memory)) : json_from_php(document->root, memory),
      .signed_text = {},
      .signed_serialized = {}};
  if (!request.root.is_object()) return refused("an array with names is needed: array('command' => …)");

  const PhpKey name = std::string("signature");
  const auto signature = std::ranges::find(pairs, name, &PhpPair::key);
  if (signature == pairs.end()) {
    request.signed_serialized = text;
  } else {
    const auto index = static_cast<std::size_t>(signature - pairs.begin());
    request.signed_serialized = without_pair(text, *document, index);
    pairs.erase(signature);
  }
  auto encoded = php_json_encode(document->root);
  if (!encoded) return encoded.error();
  request.signed_text = std::move(*encoded);
  return request;
}

}  // namespace

Result<SignedRequest> parse_php_request(std::string_view text, json::storage_ptr memory) {
  if (text.starts_with('{')) return parse_json_request(text, std::move(memory));
  if (text.starts_with("a:")) return from_serialized(text, memory);
  return refused("the field holds neither a serialized array (a:…) nor JSON text ({…)");
}

}  // namespace vodlift::legacy
