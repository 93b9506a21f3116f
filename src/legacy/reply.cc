#include "legacy/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <iterator>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "legacy/php_value.h"

namespace vodlift::legacy {
namespace {

using SteadyDuration = std::chrono::steady_clock::duration;

constexpr std::size_t kMaxMessageBytes = 2048;
constexpr std::size_t kAlwaysSentBytes = 4096;

// Escapes < > & as well, because a message may repeat text of a client and be shown in HTML.
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

// The message, cut to its limit and made valid UTF-8.
std::string message_text(std::string_view message) {
  if (message.size() <= kMaxMessageBytes && is_valid_utf8(message)) return std::string(message);
  return printable(message, kMaxMessageBytes);
}

std::string opening(std::string_view message, std::string_view status) {
  std::string out = R"({"message":)";
  append_json_string(out, message_text(message));
  out += R"(,"status":")";
  out += status;
  out += '"';
  return out;
}

double seconds_of(SteadyDuration took) { return std::max(0.0, std::chrono::duration<double>(took).count()); }

void append_closing(std::string& out, SteadyDuration took) {
  fmt::format_to(std::back_inserter(out), R"(,"handle_time":{:.6f}}})", seconds_of(took));
}

std::string php_body(std::string_view message, std::string_view status, std::optional<Errc> code, PhpValue data,
                     SteadyDuration took, const boost::json::object& members = {}) {
  constexpr double kMicro = 1e6;
  PhpArray pairs{{"message", {message_text(message)}}, {"status", {std::string(status)}}};
  if (code) pairs.push_back({"code", {std::string(info(*code).api_code)}});
  pairs.push_back({"data", std::move(data)});
  for (const auto& member : members) pairs.push_back({std::string(member.key()), php_from_json(member.value())});
  pairs.push_back({"handle_time", {std::round(seconds_of(took) * kMicro) / kMicro}});
  return php_serialize({std::move(pairs)});
}

std::string success_body(std::string_view message, const boost::json::value& data, SteadyDuration took,
                         Encoding encoding, const boost::json::object& members) {
  if (encoding == Encoding::php) return php_body(message, "success", std::nullopt, php_from_json(data), took, members);
  std::string out = opening(message, "success");
  out += R"(,"data":)";
  out += boost::json::serialize(data);
  for (const auto& member : members) {
    fmt::format_to(std::back_inserter(out), R"(,"{}":{})", std::string_view(member.key()),
                   boost::json::serialize(member.value()));
  }
  append_closing(out, took);
  return out;
}

std::string failure_body(Errc code, std::string_view message, SteadyDuration took, Encoding encoding) {
  if (encoding == Encoding::php) return php_body(message, "failure", code, {std::int64_t{0}}, took);
  std::string out = opening(message, "failure");
  fmt::format_to(std::back_inserter(out), R"(,"code":"{}","data":0)", info(code).api_code);
  append_closing(out, took);
  return out;
}

net::Response enveloped(int status, std::string body, Encoding encoding) {
  net::Response response;
  if (encoding == Encoding::php) response.content_type = "application/vnd.php.serialized";
  response.status = status;
  response.body = std::move(body);
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return response;
}

bool is_transport_fault(Errc code) { return code >= Errc::bad_request && code <= Errc::shutting_down; }

net::Response failure_in_envelope(const Error& error, SteadyDuration took, Encoding encoding) {
  const bool transport = is_transport_fault(error.code);
  const int status = transport ? info(error.code).http_status : 200;
  net::Response response = enveloped(status, failure_body(error.code, error.message, took, encoding), encoding);
  if (error.code == Errc::method_not_allowed) response.headers.emplace_back("Allow", "POST");
  return response;
}

}  // namespace

net::Response Reply::success_response(std::string_view message, const boost::json::value& data,
                                      const boost::json::object& members) const {
  net::Response response = enveloped(200, success_body(message, data, took(), encoding_, members), encoding_);
  // It is held until the client has read it.
  response.body.shrink_to_fit();
  response.holder = holder_;
  if (may_refuse_ && response.body.size() > kAlwaysSentBytes) {
    net::Response refusal = failure_response(
        {Errc::overloaded,
         "more traffic than usual: there is no memory for this answer until earlier ones are read; try again in a few "
         "seconds, or ask for less at once"});
    refusal.headers.emplace_back("Retry-After", "1");
    response.otherwise = std::make_shared<const net::Response>(std::move(refusal));
  }
  return response;
}

net::Response Reply::failure_response(const Error& error) const {
  return failure_in_envelope(error, took(), encoding_);
}

bool Reply::is_internal(Errc code) const {
  return !is_transport_fault(code) && info(code).api_code == info(Errc::internal).api_code;
}

void Reply::throttled(int http_status, const Error& error, std::chrono::nanoseconds wait) {
  net::Response response = failure_response(error);
  response.status = http_status;
  const auto seconds = std::max<std::int64_t>(std::chrono::ceil<std::chrono::seconds>(wait).count(), 1);
  response.headers.emplace_back("Retry-After", std::to_string(seconds));
  fail(error.code, std::move(response));
}

std::chrono::steady_clock::duration Reply::took() const { return std::chrono::steady_clock::now() - received_; }

net::Response fault(Errc code, std::string_view message) {
  return failure_in_envelope({code, std::string(message)}, SteadyDuration::zero(), Encoding::json);
}

}  // namespace vodlift::legacy
