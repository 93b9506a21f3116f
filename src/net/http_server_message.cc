#include "net/http_server_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/status.hpp>
#include <iterator>
#include <optional>

#include "base/encoding.h"
#include "base/log.h"
#include "base/text.h"

namespace vodlift::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::string_view;
using BoostError = boost::beast::error_code;

constexpr std::size_t kMaxFields = 100;

// A character that a header's value may hold.
bool is_text(char c) { return !is_control(c) || c == '\t'; }

bool equals_ignoring_case(std::string_view text, std::string_view lower_word) {
  return text.size() == lower_word.size() &&
         std::equal(text.begin(), text.end(), lower_word.begin(), [](char a, char b) { return to_lower(a) == b; });
}

// Collects what Beast's parser reads of a header.
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
    out_.request.headers.emplace_back(to_lower(name), std::string(value));
  }

  void note(std::optional<std::string_view>& seen, string_view value) {
    repeated_framing = repeated_framing || seen.has_value();
    seen = value;
    // `value` lies in the header's own bytes, between the white space that was trimmed. Some servers take a tab there
    // for a part of the word, so it is refused.
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

// "HTTP/" digit "." digit at the end of the request line: the form that later versions would have too.
bool names_a_version(std::string_view head) {
  constexpr std::string_view kName = "HTTP/";
  constexpr std::size_t kVersionBytes = 8;
  const std::string_view line = head.substr(0, head.find('\r'));
  if (line.size() < kVersionBytes) return false;
  const std::string_view version = line.substr(line.size() - kVersionBytes);
  return version.starts_with(kName) && is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
}

Error bad(std::string message) { return {Errc::bad_request, std::move(message)}; }

// uri-host [ ":" port ] of RFC 3986, without user information; empty is legal where a client knows no authority.
bool is_valid_authority(std::string_view authority) {
  constexpr std::string_view kAllowed = "-._~%!$&'()*+;=:[]";
  for (const char c : authority) {
    if (!is_alnum(c) && kAllowed.find(c) == std::string_view::npos) return false;
  }
  const std::size_t bracket = authority.find(']');
  const std::string_view after = bracket == std::string_view::npos ? authority : authority.substr(bracket + 1);
  const std::size_t colon = after.find(':');
  if (bracket != std::string_view::npos && (authority[0] != '[' || (!after.empty() && colon != 0))) return false;
  return colon == std::string_view::npos || colon + 1 == after.size() || is_number(after.substr(colon + 1));
}

// Brings an absolute target into the form "/path?query" (RFC 9112 section 3.2.2: its authority counts, not Host).
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
    if (digits.size() > 18 || leading_zero || !is_number(digits)) {
      return bad("Content-Length must be one plain decimal number.");
    }
    head.content_length = std::stoull(std::string(digits));
  }
  return {};
}

Error bad_chunk(std::string_view what) {
  return {Errc::bad_request, fmt::format("The chunked body is malformed: {}.", what)};
}

bool is_token(std::string_view name) { return !name.empty() && std::ranges::all_of(name, is_token_char); }
bool is_safe_value(std::string_view value) { return std::ranges::all_of(value, is_text); }

// A header that append_head() writes itself.
bool is_ours(std::string_view name) {
  constexpr std::array<std::string_view, 5> kOurs = {"connection", "content-length", "content-type", "date",
                                                     "transfer-encoding"};
  return std::ranges::any_of(kOurs, [&](std::string_view ours) { return equals_ignoring_case(name, ours); });
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

HeadScanner::Verdict HeadScanner::scan(std::string_view bytes) {
  for (; position_ < bytes.size(); ++position_) {
    // Most of a line can be stepped over: nothing is wrong with printable text that is not at its front.
    if (position_ > line_start_ && bytes[position_ - 1] != '\r') {
      position_ += plain_ascii_length(bytes.substr(position_));
      if (position_ == bytes.size()) break;
    }
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
    if (c != '\r' && !is_text(c)) return Verdict::bad;
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
  out.takes_chunks = parser.version == 11;
  return out;
}

bool ChunkExtensions::step(char c) {
  const bool may_end = at_ == At::name || at_ == At::value || at_ == At::behind_quote;
  if (c == '\r') return may_end;
  if (at_ == At::quoted && c == '"') return go(At::behind_quote);
  if (at_ == At::quoted && c == '\\') return go(At::escaped);
  if (at_ == At::quoted || at_ == At::escaped) return is_text(c) && go(At::quoted);
  if (c == ' ' || c == '\t') {
    if (at_ == At::name) return go(At::behind_name);
    return !may_end || go(At::behind_value);
  }
  if (c == ';') return (may_end || at_ == At::behind_name || at_ == At::behind_value) && go(At::before_name);
  if (c == '=') return (at_ == At::name || at_ == At::behind_name) && go(At::before_value);
  if (c == '"') return at_ == At::before_value && go(At::quoted);
  if (!is_token_char(c)) return false;
  if (at_ == At::before_name) return go(At::name);
  if (at_ == At::before_value) return go(At::value);
  return at_ == At::name || at_ == At::value;
}

Result<std::size_t> ChunkedDecoder::feed(std::string_view bytes, std::string& body) {
  std::size_t used = 0;
  while (used < bytes.size() && !done()) {
    if (state_ != State::data) {
      if (auto stepped = step(bytes[used]); !stepped) return stepped.error();
      ++used;
      continue;
    }
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, bytes.size() - used));
    body.append(bytes.substr(used, take));
    used += take;
    chunk_left_ -= take;
    if (chunk_left_ == 0) state_ = State::data_cr;
  }
  return used;
}

Result<> ChunkedDecoder::step(char c) {
  switch (state_) {
    case State::size:
      return step_size(c);
    case State::extension:
      if (!extension_.step(c)) return bad_chunk("a chunk extension that is none");
      if (c == '\r') state_ = State::size_lf;
      return count_overhead();
    case State::size_lf:
      if (c != '\n') return bad_chunk("a chunk size that does not end with CR LF");
      size_digits_ = 0;
      body_size_ += chunk_left_;
      state_ = chunk_left_ == 0 ? State::trailer_start : State::data;
      return {};
    case State::data_cr:
      if (c != '\r') return bad_chunk("a chunk that is longer than its size");
      state_ = State::data_lf;
      return {};
    case State::data_lf:
      if (c != '\n') return bad_chunk("a chunk that does not end with CR LF");
      state_ = State::size;
      return {};
    case State::trailer_start:
    case State::trailer:
    case State::trailer_lf:
    case State::end_lf:
      return step_trailer(c);
    case State::data:
    case State::done:
      break;
  }
  return Error{Errc::internal, "chunked decoder fed in a state that takes no framing"};
}

Result<> ChunkedDecoder::step_size(char c) {
  // Eight digits are 4 GiB: far beyond any limit, far below an overflow.
  constexpr int kMaxDigits = 8;
  const int digit = hex_digit(c);
  if (digit >= 0) {
    if (size_digits_ == kMaxDigits) return bad_chunk("a chunk size with more than eight digits");
    chunk_left_ = (size_digits_ == 0 ? 0 : chunk_left_ * 16) + static_cast<std::uint64_t>(digit);
    ++size_digits_;
    return {};
  }
  if (size_digits_ == 0 || (c != '\r' && c != ';')) return bad_chunk("a chunk size that is not a hexadecimal number");
  if (chunk_left_ > body_limit_ - body_size_) {
    return Error{Errc::too_large, fmt::format("The body may have {} bytes at most.", body_limit_)};
  }
  state_ = c == '\r' ? State::size_lf : State::extension;
  extension_ = ChunkExtensions();
  return {};
}

Result<> ChunkedDecoder::step_trailer(char c) {
  if (state_ == State::end_lf) {
    if (c != '\n') return bad_chunk("an end that is not CR LF");
    state_ = State::done;
    return {};
  }
  if (state_ == State::trailer_lf) {
    if (c != '\n') return bad_chunk("a trailer that does not end with CR LF");
    state_ = State::trailer_start;
    return {};
  }
  if (state_ == State::trailer_start) {
    trailer_named_ = false;
    trailer_name_length_ = 0;
    if (c == '\r') {
      state_ = State::end_lf;
      return {};
    }
    state_ = State::trailer;
  }
  if (!trailer_named_) {
    trailer_named_ = c == ':' && trailer_name_length_ > 0;
    if (!trailer_named_ && !is_token_char(c)) return bad_chunk("a trailer without a valid name");
    ++trailer_name_length_;
  } else if (c == '\r') {
    state_ = State::trailer_lf;
  } else if (!is_text(c)) {
    return bad_chunk("a control character in a trailer");
  }
  return count_overhead();
}

Result<> ChunkedDecoder::count_overhead() {
  if (++overhead_ > overhead_limit_) return bad_chunk("too many bytes of extensions and trailers");
  return {};
}

void append_head(std::string& out, const Response& response, std::string_view date, bool close, Framing framing) {
  const bool valid_status = response.status >= 200 && response.status <= 599;
  if (!valid_status) log::error("handler answered an impossible status", {{"status", response.status}});
  const int status = valid_status ? response.status : 500;
  const auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", status, std::string_view(reason));
  append_field(out, "Date", date);
  if (may_have_body(response)) {
    if (is_safe_value(response.content_type)) append_field(out, "Content-Type", response.content_type);
    if (framing == Framing::length) {
      fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", response.body.size());
    }
    if (framing == Framing::chunked) append_field(out, "Transfer-Encoding", "chunked");
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

}  // namespace vodlift::net
