// Signs requests read as JSON lines, so that tests/e2e/test_sigv4_oracle.py can compare us with botocore.
// In:  {"method", "host", "path", "query": [[name, value]…], "headers": [[name, value]…], "payload_hash", "access_key",
//       "secret_key", "session_token", "region", "time": Unix seconds}, one a line
// Out: the Authorization header, a tab, the encoded path and query; one line each
#include <boost/json.hpp>
#include <iostream>

#include "s3/sigv4.h"

namespace {

std::string text(const boost::json::object& object, std::string_view name) {
  return std::string(object.at(name).as_string());
}

std::vector<std::pair<std::string, std::string>> pairs(const boost::json::object& object, std::string_view name) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const boost::json::value& pair : object.at(name).as_array()) {
    out.emplace_back(pair.at(0).as_string(), pair.at(1).as_string());
  }
  return out;
}

void sign_line(const std::string& line) {
  const boost::json::value parsed = boost::json::parse(line);
  const boost::json::object& object = parsed.as_object();
  const vodlift::s3::UnsignedRequest request{
      .method = text(object, "method"),
      .host = text(object, "host"),
      .path = text(object, "path"),
      .query = pairs(object, "query"),
      .headers = pairs(object, "headers"),
      .payload_hash = text(object, "payload_hash"),
  };
  const vodlift::s3::SigningCredentials credentials{
      .access_key = text(object, "access_key"),
      .secret_key = vodlift::Secret(text(object, "secret_key")),
      .session_token = vodlift::Secret(text(object, "session_token")),
      .region = text(object, "region"),
  };
  const auto now = vodlift::from_unix_ms(object.at("time").as_int64() * 1000);
  const vodlift::s3::SignedRequest signed_request = vodlift::s3::sign(request, credentials, now);
  std::cout << signed_request.authorization << '\t' << signed_request.path_and_query << '\n';
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    try {
      sign_line(line);
    } catch (const std::exception& fault) {
      std::cerr << "sigv4_tool: " << fault.what() << " in: " << line << '\n';
      return 1;
    }
  }
  return 0;
}
