#include "legacy/multipart.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"

namespace vodlift::legacy {
namespace {

constexpr std::size_t kMaxParams = 8;
constexpr auto kNowhere = std::string_view::npos;

void skip_space(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

// Takes a token off the front; '/' belongs to a media type.
std::string_view take_token(std::string_view& text) {
  std::size_t size = 0;
  while (size < text.size() && (is_token_char(text[size]) || text[size] == '/')) ++size;
  const std::string_view token = text.substr(0, size);
  text.remove_prefix(size);
  return token;
}

// Takes a quoted string off the front, which is its opening quote.
std::optional<std::string> take_quoted(std::string_view& text) {
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return out;
    }
    if (text[i] == '\\' && ++i == text.size()) break;
    out += text[i];
  }
  return std::nullopt;
}

// Without quotes, old clients send characters that a token may not have: boundaries often have `=`, file names have
// letters beyond ASCII.
bool is_unquoted_char(char c) { return c != ' ' && !is_control(c) && std::string_view("\",;\\").find(c) == kNowhere; }

std::optional<std::string> take_param_value(std::string_view& text) {
  if (text.starts_with('"')) return take_quoted(text);
  const auto end = std::ranges::find_if_not(text, is_unquoted_char);
  const std::string value(text.begin(), end);
  text.remove_prefix(value.size());
  return value;
}

constexpr std::size_t kMaxBoundaryBytes = 70;  // RFC 2046 section 5.1.1
constexpr std::size_t kMaxPartHeaders = 8;
constexpr std::size_t kMaxHeaderBytes = 1024;
constexpr std::string_view kLineEnd = "\r\n";

Error malformed(std::string_view why) { return {Errc::bad_request, "multipart: " + std::string(why)}; }

// RFC 2046 allows fewer, but programs write "*****" and the like.
bool is_boundary_char(char c) { return c >= ' ' && c < '\x7f' && c != '"' && c != '\\'; }

bool is_boundary(std::string_view text) {
  return !text.empty() && text.size() <= kMaxBoundaryBytes && text.back() != ' ' &&
         std::ranges::all_of(text, is_boundary_char);
}

bool among(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

// The part's name, from `form-data; name="json"; filename="x"`.
Result<std::string> name_in(std::string_view disposition) {
  const auto parsed = parse_header_value(disposition);
  if (!parsed || parsed->value != "form-data") return malformed("Content-Disposition of a part is not form-data");
  for (const auto& [name, value] : parsed->params) {
    if (name.starts_with("name*") || name == "charset") {
      return malformed("Content-Disposition of a part has a parameter that changes how its name is read");
    }
  }
  const std::string* name = parsed->param("name");
  if (name == nullptr) return malformed("a part has no name");
  return *name;
}

// Bytes are read undecoded and as UTF-8, so a part that needs decoding is refused. In other charsets ASCII is ASCII.
Result<> check_content_type(std::string_view value) {
  if (value.empty()) return {};
  const auto parsed = parse_header_value(value);
  if (!parsed) return malformed("Content-Type of a part is malformed");
  const std::string* charset = parsed->param("charset");
  const std::string name = charset == nullptr ? "" : to_lower(*charset);
  const auto begins = [&name](std::string_view word) { return name.starts_with(word); };
  if (std::ranges::none_of(std::array<std::string_view, 4>{"utf-7", "utf-16", "utf-32", "ucs"}, begins)) return {};
  return malformed("the charset of a part must be UTF-8");
}

Result<> check_transfer_encoding(std::string_view value) {
  if (among(to_lower(value), {"7bit", "8bit", "binary"})) return {};
  return malformed("Content-Transfer-Encoding is not supported; send the bytes as they are");
}

class Parser {
 public:
  Parser(std::string_view body, std::string_view boundary)
      : body_(body), delimiter_(std::string(kLineEnd) + "--" + std::string(boundary)) {}

  Result<std::vector<Part>> parse() {
    if (!skip_preamble()) return malformed("the first boundary is missing");
    std::vector<Part> parts;
    while (true) {
      const std::string_view rest = body_.substr(at_);
      if (rest == "--" || rest.starts_with("--\r\n")) return parts;
      if (!rest.starts_with(kLineEnd)) return malformed("a boundary is not alone on its line (lines end with CR LF)");
      at_ += kLineEnd.size();
      if (parts.size() == kMaxFormFields) return Error{Errc::too_large, "multipart: more than 16 parts"};
      auto part = next_part();
      if (!part) return part.error();
      parts.push_back(std::move(*part));
    }
  }

 private:
  // Leaves at_ after the first boundary.
  bool skip_preamble() {
    const std::string_view without_line_end = std::string_view(delimiter_).substr(kLineEnd.size());
    if (body_.starts_with(without_line_end)) {
      at_ = without_line_end.size();
      return true;
    }
    const std::size_t found = body_.find(delimiter_);
    if (found == std::string_view::npos) return false;
    at_ = found + delimiter_.size();
    return true;
  }

  // Reads one part; leaves at_ after the boundary that ends it.
  Result<Part> next_part() {
    auto name = read_headers();
    if (!name) return name.error();
    const std::size_t end = body_.find(delimiter_, at_);
    if (end == std::string_view::npos) return malformed("the final boundary is missing");
    Part part{std::move(*name), body_.substr(at_, end - at_)};
    at_ = end + delimiter_.size();
    return part;
  }

  Result<std::string> read_headers() {
    std::optional<std::string> name;
    for (std::size_t count = 0;; ++count) {
      const std::size_t end = body_.find(kLineEnd, at_);
      if (end == std::string_view::npos) return malformed("the headers of a part do not end");
      const std::string_view line = body_.substr(at_, end - at_);
      at_ = end + kLineEnd.size();
      if (line.empty()) break;
      if (count == kMaxPartHeaders) return Error{Errc::too_large, "multipart: more than 8 headers in a part"};
      if (line.size() > kMaxHeaderBytes) return Error{Errc::too_large, "multipart: a header is longer than 1 KiB"};
      if (auto seen = read_header(line, name); !seen) return seen.error();
    }
    if (!name) return malformed("a part has no Content-Disposition");
    return std::move(*name);
  }

  static Result<> read_header(std::string_view line, std::optional<std::string>& part_name) {
    if (std::ranges::any_of(line, [](char c) { return is_control(c) && c != '\t'; }))
      return malformed("a control character or bare LF in a part's header");
    const std::size_t colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos || line.substr(0, colon).find_first_of(" \t") != line.npos) {
      return malformed("a header of a part is malformed");
    }
    const std::string field = to_lower(line.substr(0, colon));
    const std::string_view value = trimmed(line.substr(colon + 1));

    if (field == "content-type") return check_content_type(value);
    if (field == "content-transfer-encoding") return check_transfer_encoding(value);
    if (field != "content-disposition") return {};
    if (part_name) return malformed("a part has two Content-Disposition headers");
    auto name = name_in(value);
    if (!name) return name.error();
    part_name = std::move(*name);
    return {};
  }

  std::string_view body_;
  std::string delimiter_;  // with the line end before it
  std::size_t at_ = 0;
};

}  // namespace

const std::string* HeaderValue::param(std::string_view name) const {
  const auto found = std::ranges::find(params, name, [](const auto& param) { return std::string_view(param.first); });
  return found == params.end() ? nullptr : &found->second;
}

std::optional<HeaderValue> parse_header_value(std::string_view text) {
  HeaderValue out;
  skip_space(text);
  out.value = to_lower(take_token(text));
  if (out.value.empty()) return std::nullopt;
  bool first = true;
  for (skip_space(text); !text.empty(); skip_space(text), first = false) {
    // RFC 1867, which the oldest clients follow, has a comma after the type.
    if (text.front() != ';' && !(first && text.front() == ',')) return std::nullopt;
    text.remove_prefix(1);
    skip_space(text);
    if (text.empty()) break;
    std::string name = to_lower(take_token(text));
    skip_space(text);
    if (name.empty() || !text.starts_with('=')) return std::nullopt;
    text.remove_prefix(1);
    skip_space(text);
    const bool quoted = text.starts_with('"');
    auto value = take_param_value(text);
    if (!value || out.param(name) != nullptr || out.params.size() == kMaxParams) return std::nullopt;
    if (!value->empty() || quoted) out.params.emplace_back(std::move(name), std::move(*value));
  }
  return out;
}

Result<std::vector<Part>> parse_multipart(std::string_view body, std::string_view boundary) {
  if (!is_boundary(boundary)) return malformed("the boundary must have 1 to 70 printable ASCII characters");
  return Parser(body, boundary).parse();
}

}  // namespace vodlift::legacy
