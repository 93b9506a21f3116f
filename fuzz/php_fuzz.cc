// The field php: what is accepted has one meaning and one text, and each signed text is the request without its
// signature.
#include "legacy/json_request.h"
#include "legacy/php_request.h"
#include "legacy/php_value.h"
#include "require.h"

using namespace vodlift::legacy;
using vodlift::fuzz::require;

namespace {

void check_serialized(std::string_view text, const SignedRequest& request) {
  const auto document = parse_php(text);
  require(document.has_value(), "a request is an array");
  const std::string canonical = php_serialize(document->root);
  const auto again = parse_php(canonical);
  require(again && again->root == document->root, "what is written is read back");
  // Floats may be spelled in other ways, and boost::json does not read every one to the last bit.
  const bool floats = text.find("d:") != std::string_view::npos;
  require(floats || canonical == text, "there is one text for each array");

  boost::json::object rest = request.fields();
  rest.erase("signature");
  const auto signed_rest = parse_php(*request.signed_serialized);
  require(signed_rest.has_value(), "the signed bytes are an array too");
  require(php_json_encode(signed_rest->root).value() == request.signed_text, "both rules sign the same request");
  if (floats || !request.signed_text.starts_with('{')) return;
  const auto as_json = parse_json_request(request.signed_text, {});
  require(as_json && as_json->fields() == rest, "a JSON client would have sent the same");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = vodlift::fuzz::text_of(data, size);
  const auto request = parse_php_request(text, {});
  if (request && request->signed_serialized) {
    check_serialized(text, *request);
    return 0;
  }
  // Bytes that are no text are refused by the request, but not by the array.
  if (const auto document = parse_php(text)) {
    const auto again = parse_php(php_serialize(document->root));
    require(again && again->root == document->root, "what is written is read back");
  }
  return 0;
}
