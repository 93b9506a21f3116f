// The text of a request: what is accepted must have one meaning, and cutting the signature must not change it.
#include <boost/json/parse.hpp>

#include "legacy/json_request.h"
#include "require.h"

using vodlift::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = vodlift::fuzz::text_of(data, size);
  const auto request = vodlift::legacy::parse_json_request(text, {});
  if (!request) return 0;

  // An independent reading of the text and of what is left of it agree but for the signature.
  boost::json::object whole = boost::json::parse(text).as_object();
  const boost::json::object rest = boost::json::parse(request->signed_text).as_object();
  require(whole == request->fields(), "the request means what its text says");
  whole.erase("signature");
  require(whole == rest, "only the signature was cut");
  require(vodlift::legacy::parse_json_request(request->signed_text, {}).has_value(), "the rest is a request too");
  return 0;
}
