#include "legacy/envelope.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <iterator>

#include "base/encoding.h"

namespace vodlift::legacy {
namespace {

constexpr std::size_t kMaxMessageBytes = 2048;

// Beside what JSON asks for, < > & are escaped: a message may echo what a client sent, and somebody may show it in
// HTML.
void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == '<' || c == '>' || c == '&') {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string opening(std::string_view message, std::string_view status) {
  std::string out = R"({"message":)";
  if (message.size() <= kMaxMessageBytes && is_valid_utf8(message)) {
    append_json_string(out, message);
  } else {
    append_json_string(out, printable(message, kMaxMessageBytes));
  }
  out += R"(,"status":")";
  out += status;
  out += '"';
  return out;
}

void append_closing(std::string& out, SteadyDuration took) {
  const double seconds = std::max(0.0, std::chrono::duration<double>(took).count());
  fmt::format_to(std::back_inserter(out), R"(,"handle_time":{:.6f}}})", seconds);
}

}  // namespace

std::string success_body(std::string_view message, const boost::json::value& data, SteadyDuration took) {
  std::string out = opening(message, "success");
  out += R"(,"data":)";
  out += boost::json::serialize(data);
  append_closing(out, took);
  return out;
}

std::string failure_body(Errc code, std::string_view message, SteadyDuration took) {
  std::string out = opening(message, "failure");
  fmt::format_to(std::back_inserter(out), R"(,"code":"{}","data":0)", info(code).api_code);
  append_closing(out, took);
  return out;
}

net::Response json_response(int status, std::string body) {
  net::Response response;
  response.status = status;
  response.body = std::move(body);
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return response;
}

net::Response fault(Errc code, std::string_view message) {
  net::Response response = json_response(info(code).http_status, failure_body(code, message, SteadyDuration::zero()));
  if (code == Errc::method_not_allowed) response.headers.emplace_back("Allow", "POST");
  return response;
}

}  // namespace vodlift::legacy
