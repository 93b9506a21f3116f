#include "net/http_server_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/beast/http/status.hpp>

#include "base/log.h"

namespace vodlift::net {
namespace {

bool is_token(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return c > ' ' && c < 0x7F && std::string_view("()<>@,;:\\\"/[]?={}").find(c) == std::string_view::npos;
  });
}

bool is_safe_value(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
  });
}

bool is_ours(std::string_view name) {
  constexpr std::array<std::string_view, 5> kOurs = {"connection", "content-length", "content-type", "date",
                                                     "transfer-encoding"};
  return std::any_of(kOurs.begin(), kOurs.end(), [&](std::string_view ours) {
    return std::equal(name.begin(), name.end(), ours.begin(), ours.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
  });
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

void append_head(std::string& out, const Response& response, std::string_view date, bool close) {
  const bool valid_status = response.status >= 200 && response.status <= 599;
  if (!valid_status) log::error("handler answered an impossible status", {{"status", response.status}});
  const int status = valid_status ? response.status : 500;
  const auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", status, std::string_view(reason));
  append_field(out, "Date", date);
  if (may_have_body(response)) {
    if (is_safe_value(response.content_type)) append_field(out, "Content-Type", response.content_type);
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", response.body.size());
  }
  for (const auto& [name, value] : response.headers) {
    if (is_token(name) && is_safe_value(value) && !is_ours(name)) {
      append_field(out, name, value);
    } else {
      log::error("handler answered a header that cannot be sent", {{"header", name}});
    }
  }
  if (close) append_field(out, "Connection", "close");
  out.append("\r\n");
}

bool may_have_body(const Response& response) { return response.status != 204 && response.status != 304; }

std::string http_date(std::time_t when) {
  // Not strftime: its names follow the locale.
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  ::gmtime_r(&when, &utc);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                     kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                     utc.tm_sec);
}

}  // namespace vodlift::net
