#include "http_head.h"

#include <algorithm>
#include <charconv>

namespace vodlift::bench {
namespace {

std::string to_lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::optional<std::string_view> HttpHead::header(std::string_view name) const {
  const auto found = std::ranges::find(headers, name, &std::pair<std::string, std::string>::first);
  if (found == headers.end()) return std::nullopt;
  return found->second;
}

bool HttpHead::lists(std::string_view name, std::string_view word) const {
  std::string_view rest = header(name).value_or("");
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    if (to_lower(trim(rest.substr(0, comma))) == word) return true;
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  }
  return false;
}

std::optional<HttpHead> parse_head(std::string_view text) {
  HttpHead head;
  bool first = true;
  while (!text.empty()) {
    const std::size_t end = text.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 2);
    if (first) {
      head.start_line = line;
      first = false;
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    head.headers.emplace_back(to_lower(line.substr(0, colon)), trim(line.substr(colon + 1)));
  }
  if (head.start_line.empty()) return std::nullopt;
  return head;
}

void add_trailers(HttpHead& head, std::string_view tail) {
  constexpr std::string_view kLastChunk = "\r\n0\r\n";
  constexpr std::string_view kLineEnd = "\r\n";
  const std::size_t at = tail.rfind(kLastChunk);
  if (at == std::string_view::npos || !tail.ends_with("\r\n\r\n")) return;
  tail.remove_prefix(at + kLineEnd.size());
  tail.remove_suffix(kLineEnd.size());
  // The last chunk's line stands where a head has its start line.
  const auto trailers = parse_head(tail);
  if (trailers) head.headers.insert(head.headers.end(), trailers->headers.begin(), trailers->headers.end());
}

std::optional<std::int64_t> parse_count(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace vodlift::bench
