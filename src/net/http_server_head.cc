#include "net/http_server_head.h"

#include <fmt/format.h>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <optional>

#include "base/encoding.h"

namespace vodlift::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::string_view;
using BoostError = boost::beast::error_code;

constexpr std::size_t kMaxFields = 100;

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower_case(string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower_word) {
  return text.size() == lower_word.size() &&
         std::equal(text.begin(), text.end(), lower_word.begin(), [](char a, char b) { return lower(a) == b; });
}

bool all_digits(std::string_view text) { return text.find_first_not_of("0123456789") == std::string_view::npos; }

// Collects what Beast's parser reads; bodies are not its business here.
class HeadParser final : public http::basic_parser<true> {
 public:
  explicit HeadParser(RequestHead& out) : out_(out) { skip(true); }

  int version = 0;
  std::optional<std::string_view> content_length;
  std::optional<std::string_view> transfer_encoding;
  std::optional<std::string_view> host;
  bool repeated_framing = false;  // a second Host, Content-Length or Transfer-Encoding
  bool tab_in_framing = false;
  bool foreign_coding = false;
  bool foreign_expectation = false;

 private:
  void on_request_impl(http::verb, string_view method, string_view target, int http_version, BoostError&) override {
    out_.request.method = method;
    out_.request.target = target;
    version = http_version;
  }

  void on_field_impl(http::field field, string_view name, string_view value, BoostError& error) override {
    if (out_.request.headers.size() == kMaxFields) {
      error = http::error::header_limit;
      return;
    }
    if (field == http::field::host) note(host, value);
    if (field == http::field::content_length) note(content_length, value);
    if (field == http::field::transfer_encoding) note(transfer_encoding, value);
    if (field == http::field::content_encoding && !equals_ignoring_case(value, "identity")) foreign_coding = true;
    if (field == http::field::expect) {
      out_.expects_continue = true;
      foreign_expectation = foreign_expectation || !equals_ignoring_case(value, "100-continue");
    }
    out_.request.headers.emplace_back(lower_case(name), std::string(value));
  }

  void note(std::optional<std::string_view>& seen, string_view value) {
    repeated_framing = repeated_framing || seen.has_value();
    seen = value;
    // `value` lies in the header's own bytes, trimmed: what was trimmed is still beside it. Some servers take a tab
    // there for a part of the word, so it is not left to chance.
    tab_in_framing = tab_in_framing || value.find('\t') != string_view::npos || *value.end() == '\t' ||
                     *std::prev(value.begin()) == '\t';
  }

  void on_response_impl(int, string_view, int, BoostError&) override {}
  void on_header_impl(BoostError&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, BoostError&) override {}
  std::size_t on_body_impl(string_view body, BoostError&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, string_view, BoostError&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, BoostError&) override { return body.size(); }
  void on_finish_impl(BoostError&) override {}

  RequestHead& out_;
};

// "HTTP/" digit "." digit at the end of the request line, as every version of HTTP/1 to come would begin too.
bool names_a_version(std::string_view head) {
  constexpr std::string_view kName = "HTTP/";
  constexpr std::size_t kVersionBytes = 8;
  const std::string_view line = head.substr(0, head.find('\r'));
  if (line.size() < kVersionBytes) return false;
  const std::string_view version = line.substr(line.size() - kVersionBytes);
  return version.starts_with(kName) && all_digits(version.substr(5, 1)) && version[6] == '.' &&
         all_digits(version.substr(7));
}

Error bad(std::string message) { return {Errc::bad_request, std::move(message)}; }

// uri-host [ ":" port ] of RFC 3986, without user information; empty is legal where a client knows no authority.
bool is_valid_authority(std::string_view authority) {
  constexpr std::string_view kAllowed = "-._~%!$&'()*+;=:[]";
  for (const char c : authority) {
    const bool alphanumeric = (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
    if (!alphanumeric && kAllowed.find(c) == std::string_view::npos) return false;
  }
  const std::size_t bracket = authority.find(']');
  const std::string_view after = bracket == std::string_view::npos ? authority : authority.substr(bracket + 1);
  const std::size_t colon = after.find(':');
  if (bracket != std::string_view::npos && (authority[0] != '[' || (!after.empty() && colon != 0))) return false;
  return colon == std::string_view::npos || all_digits(after.substr(colon + 1));
}

// Brings an absolute target into the form "/path?query" (RFC 9112 section 3.2.2: its authority outdoes Host).
Result<> normalize_target(Request& request) {
  std::string& target = request.target;
  for (const char c : target) {
    if (c <= ' ' || c >= 0x7F || c == '#') return bad("The request target has a character that no URL may contain.");
  }
  if (target.front() == '/' || request.method == "CONNECT" || (target == "*" && request.method == "OPTIONS")) return {};
  const std::size_t scheme_end = target.find("://");
  if (scheme_end == std::string::npos) return bad("The request target must begin with a slash.");
  const std::string_view scheme = std::string_view(target).substr(0, scheme_end);
  const std::size_t authority_start = scheme_end + 3;
  const std::size_t authority_end = std::min(target.find_first_of("/?", authority_start), target.size());
  const std::string_view authority = std::string_view(target).substr(authority_start, authority_end - authority_start);
  const bool known_scheme = equals_ignoring_case(scheme, "http") || equals_ignoring_case(scheme, "https");
  if (!known_scheme || authority.empty() || !is_valid_authority(authority)) {
    return bad("The request target is neither a path nor a valid http URL.");
  }
  target.erase(0, authority_end);
  if (target.empty() || target.front() == '?') target.insert(target.begin(), '/');
  return {};
}

Result<> judge_framing(const HeadParser& parser, RequestHead& head) {
  if (parser.repeated_framing) return bad("Host, Content-Length and Transfer-Encoding may each be sent only once.");
  if (parser.tab_in_framing) return bad("Host, Content-Length and Transfer-Encoding must not contain a tab.");
  if (!parser.host && parser.version == 11) return bad("The header Host is missing.");
  if (parser.host && !is_valid_authority(*parser.host)) return bad("The header Host is not a valid host name.");
  if (parser.transfer_encoding) {
    if (parser.content_length) return bad("Content-Length and Transfer-Encoding must not be sent together.");
    if (parser.version != 11) return bad("Transfer-Encoding needs HTTP/1.1.");
    if (!equals_ignoring_case(*parser.transfer_encoding, "chunked")) {
      return bad("The only Transfer-Encoding understood is chunked.");
    }
    head.chunked = true;
  }
  if (parser.content_length) {
    const std::string_view digits = *parser.content_length;
    // 18 digits cannot overflow; a leading zero or sign reads differently elsewhere.
    const bool leading_zero = digits.size() > 1 && digits.front() == '0';
    if (digits.empty() || digits.size() > 18 || leading_zero || !all_digits(digits)) {
      return bad("Content-Length must be one plain decimal number.");
    }
    head.content_length = std::stoull(std::string(digits));
  }
  return {};
}

}  // namespace

HeadScanner::Verdict HeadScanner::scan(std::string_view bytes) {
  for (; position_ < bytes.size(); ++position_) {
    const char c = bytes[position_];
    const bool after_cr = position_ > begin_ && bytes[position_ - 1] == '\r';
    if (c == '\n') {
      if (!after_cr) return Verdict::bad;
      const bool empty_line = position_ - 1 == line_start_;
      line_start_ = position_ + 1;
      if (!empty_line && line_end_ == 0) line_end_ = line_start_;
      if (!empty_line) continue;
      if (begin_ == 0 && position_ == 1) {
        begin_ = line_start_;
        continue;
      }
      ++position_;
      return line_start_ - 2 == begin_ ? Verdict::bad : Verdict::complete;
    }
    if (after_cr) return Verdict::bad;
    if (c != '\r' && is_control(c)) return Verdict::bad;
    const bool folded = position_ == line_start_ && line_start_ != begin_ && (c == ' ' || c == '\t');
    if (folded) return Verdict::bad;
  }
  return Verdict::more;
}

Result<RequestHead> parse_head(std::string_view head, std::size_t body_limit) {
  RequestHead out;
  out.request.headers.reserve(12);
  HeadParser parser(out);
  parser.header_limit(static_cast<std::uint32_t>(head.size()));
  parser.body_limit(boost::none);
  BoostError error;
  const std::size_t used = parser.put(boost::asio::buffer(head.data(), head.size()), error);
  if (error == http::error::header_limit) {
    return Error{Errc::headers_too_large, fmt::format("The request has more than {} header fields.", kMaxFields)};
  }
  if (error == http::error::bad_version && names_a_version(head)) {
    return Error{Errc::unsupported_version, "The only versions of HTTP spoken here are 1.1 and 1.0."};
  }
  if (error) return bad(fmt::format("This is not a valid HTTP/1.1 request: {}.", printable(error.message())));
  if (used != head.size()) return bad("The request's header does not end where it should.");
  if (auto target = normalize_target(out.request); !target) return target.error();
  if (auto framing = judge_framing(parser, out); !framing) return framing.error();
  if (parser.foreign_coding) {
    return Error{Errc::unsupported_media_type, "The body must be sent as it is, without Content-Encoding."};
  }
  if (parser.foreign_expectation) {
    return Error{Errc::expectation_failed, "The only expectation understood is 100-continue."};
  }
  if (out.content_length > body_limit) {
    return Error{Errc::too_large, fmt::format("The body may have {} bytes at most.", body_limit)};
  }
  // HTTP/1.0 knows no interim answers, and its keep-alive was never standard.
  out.expects_continue = out.expects_continue && parser.version == 11;
  out.keep_alive = parser.version == 11 && parser.keep_alive();
  return out;
}

}  // namespace vodlift::net
