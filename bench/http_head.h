// The part of an HTTP/1.1 message before its body, as both helpers read it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vodlift::bench {

struct HttpHead {
  std::string start_line;
  std::vector<std::pair<std::string, std::string>> headers;  // names lower-case, values trimmed

  // The value of the first header of that (lower-case) name; nothing when there is none.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
  // True when the header is there and lists `word` (lower-case) among its comma-separated values, in either case.
  [[nodiscard]] bool lists(std::string_view name, std::string_view word) const;
};

// Takes apart `text`, all lines with their CRLF, without the empty last one. Nothing for a malformed line.
std::optional<HttpHead> parse_head(std::string_view text);

// Adds the trailers of an aws-chunked body, of which `tail` is the end, to the headers.
void add_trailers(HttpHead& head, std::string_view tail);

// A whole decimal number >= 0; nothing for anything else, or above the range.
std::optional<std::int64_t> parse_count(std::string_view text);

}  // namespace vodlift::bench
