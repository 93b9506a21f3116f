// A request as it was read, whatever encoding it came in, and what its signature may be over.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>

namespace vodlift::legacy {

struct SignedRequest {
  boost::json::value root;  // an object; lives in the memory given to the parser
  // Without the top-level `signature`. JSON: the received bytes. PHP: what json_encode() makes of the array. Names the
  // request, by whichever rule it was signed.
  std::string signed_text;
  // PHP only: the received bytes without the pair `signature`, its array's count one less. May be signed instead.
  std::optional<std::string> signed_serialized;

  [[nodiscard]] const boost::json::object& fields() const { return root.get_object(); }
};

}  // namespace vodlift::legacy
