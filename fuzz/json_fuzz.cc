// The text of a request: what is accepted must have one meaning, and cutting the signature must not change it.
#include <boost/json/parse.hpp>
#include <cstdlib>

#include "legacy/json_request.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto request = vodlift::legacy::parse_json_request(text, {});
  if (!request) return 0;

  // An independent reading of the text and of what is left of it agree but for the signature.
  boost::json::object whole = boost::json::parse(text).as_object();
  const boost::json::object rest = boost::json::parse(request->signed_text).as_object();
  require(whole == request->fields());
  whole.erase("signature");
  require(whole == rest);
  require(vodlift::legacy::parse_json_request(request->signed_text, {}).has_value());
  return 0;
}
