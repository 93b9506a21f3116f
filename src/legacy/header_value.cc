#include "legacy/header_value.h"

#include <algorithm>

namespace vodlift::legacy {
namespace {

constexpr std::size_t kMaxParams = 8;

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

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

std::optional<std::string> take_param_value(std::string_view& text) {
  if (text.starts_with('"')) return take_quoted(text);
  const std::string_view token = take_token(text);
  if (token.empty()) return std::nullopt;
  return std::string(token);
}

}  // namespace

const std::string* HeaderValue::param(std::string_view name) const {
  const auto found = std::ranges::find(params, name, [](const auto& param) { return std::string_view(param.first); });
  return found == params.end() ? nullptr : &found->second;
}

std::optional<HeaderValue> parse_header_value(std::string_view text) {
  HeaderValue out;
  skip_space(text);
  out.value = ascii_lower(take_token(text));
  if (out.value.empty()) return std::nullopt;
  for (skip_space(text); !text.empty(); skip_space(text)) {
    if (text.front() != ';') return std::nullopt;
    text.remove_prefix(1);
    skip_space(text);
    if (text.empty()) break;
    std::string name = ascii_lower(take_token(text));
    if (name.empty() || !text.starts_with('=')) return std::nullopt;
    text.remove_prefix(1);
    auto value = take_param_value(text);
    if (!value || out.param(name) != nullptr || out.params.size() == kMaxParams) return std::nullopt;
    out.params.emplace_back(std::move(name), std::move(*value));
  }
  return out;
}

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace vodlift::legacy
