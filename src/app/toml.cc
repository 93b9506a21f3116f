#include "app/toml.h"

#include <algorithm>

namespace vodlift::app {
namespace {

// From 1. Right only for text that is TOML but for the characters it looks for.
std::optional<std::uint32_t> line_with_bare_non_ascii(std::string_view text) {
  std::uint32_t line = 1;
  char quote = 0;  // 0: outside of strings; '#': in a comment
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      ++line;
      quote = 0;
    } else if (quote == 0) {
      if (static_cast<unsigned char>(c) >= 0x80) return line;
      if (c == '#' || c == '"' || c == '\'') quote = c;
    } else if (c == '\\' && quote == '"') {
      ++i;
    } else if (c == quote && quote != '#') {
      quote = 0;
    }
  }
  return std::nullopt;
}

std::variant<toml::table, TomlFault> parse_guarded(std::string_view text) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return TomlFault{error.source().begin.line, std::string(error.description())};
  } catch (const TomlAssertionFailed&) {
    return TomlFault{1, "somewhere in this file a section's name or a value is missing"};
  }
}

}  // namespace

std::variant<toml::table, TomlFault> parse_toml(std::string_view text) {
  // What it makes of characters beyond ASCII is sound within strings and comments only. So the text has to be TOML
  // without them first: then it is known where strings and comments are.
  std::string ascii(text);
  std::ranges::replace_if(
      ascii, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, 'x');
  if (auto plain = parse_guarded(ascii); std::holds_alternative<TomlFault>(plain)) return plain;
  if (const auto line = line_with_bare_non_ascii(text)) {
    return TomlFault{*line, "characters beyond ASCII belong in quotes, on one line"};
  }
  return parse_guarded(text);
}

}  // namespace vodlift::app
