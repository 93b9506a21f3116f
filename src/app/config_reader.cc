#include "app/config_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/near_miss.h"
#include "base/text.h"

namespace vodlift::app {
namespace {

constexpr std::size_t kMaxShownBytes = 80;

std::string_view kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a fraction";
    case toml::node_type::boolean:
      return "a boolean";
    default:
      return "a date or time";
  }
}

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
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    return TomlFault{1, "the file is UTF-16; save it as UTF-8"};
  }
  text = without_byte_order_mark(text);
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

void ConfigFaults::add(std::uint32_t line, std::string text) {
  faults_.push_back({std::max(line, std::uint32_t{1}), std::move(text)});
}

Error ConfigFaults::error() const {
  std::vector<Fault> sorted = faults_;
  std::ranges::stable_sort(sorted, {}, &Fault::line);
  std::string message = sorted.size() == 1 ? std::string("the configuration has a fault:")
                                           : fmt::format("the configuration has {} faults:", sorted.size());
  for (const Fault& fault : sorted) {
    message += fmt::format("\n{}:{}: {}", file_.string(), fault.line, fault.text);
  }
  return {Errc::config_invalid, std::move(message)};
}

ConfigSection::ConfigSection(const toml::table* table, std::string title, ConfigFaults& faults)
    : table_(table), title_(std::move(title)), faults_(faults) {}

const toml::node* ConfigSection::find(std::string_view key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.push_back(key);
  return table_ == nullptr ? nullptr : table_->get(key);
}

std::optional<std::string> ConfigSection::text(std::string_view key) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  const auto* value = node->as_string();
  if (value == nullptr) {
    fault(key, fmt::format("expected a string in quotes, found {}", kind_of(*node)));
    return std::nullopt;
  }
  if (value->get().find('\0') != std::string::npos) {
    fault(key, "a NUL character cannot be part of the value");
    return std::nullopt;
  }
  return value->get();
}

std::optional<std::int64_t> ConfigSection::integer(std::string_view key, std::int64_t min, std::int64_t max) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  const auto* value = node->as_integer();
  if (value == nullptr) {
    fault(key, fmt::format("expected an integer from {} to {}, found {}", min, max, kind_of(*node)));
    return std::nullopt;
  }
  if (value->get() < min || value->get() > max) {
    fault(key, fmt::format("expected an integer from {} to {}, found {}", min, max, value->get()));
    return std::nullopt;
  }
  return value->get();
}

std::optional<bool> ConfigSection::flag(std::string_view key) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  const auto* value = node->as_boolean();
  if (value == nullptr) {
    fault(key, fmt::format("expected true or false, found {}", kind_of(*node)));
    return std::nullopt;
  }
  return value->get();
}

std::vector<ConfigSection::Item> ConfigSection::texts(std::string_view key) {
  const toml::node* node = find(key);
  if (node == nullptr) return {};
  const toml::array* list = node->as_array();
  if (list == nullptr) {
    fault(key, fmt::format("expected a list of strings, found {}", kind_of(*node)));
    return {};
  }
  std::vector<Item> items;
  for (const toml::node& element : *list) {
    const std::uint32_t where = element.source().begin.line;
    if (const auto* value = element.as_string()) {
      items.push_back({value->get(), where});
    } else {
      faults_.add(where, fmt::format("{} {}: expected strings only, found {}", title_, key, kind_of(element)));
    }
  }
  return items;
}

std::vector<ConfigSection::Item> ConfigSection::one_or_more_texts(std::string_view key) {
  const toml::node* node = table_ == nullptr ? nullptr : table_->get(key);
  if (node == nullptr || !node->is_string()) return texts(key);
  auto one = text(key);
  return one ? std::vector<Item>{{std::move(*one), line(key)}} : std::vector<Item>();
}

std::uint32_t ConfigSection::line(std::string_view key) const {
  if (table_ == nullptr) return 1;
  const toml::node* node = table_->get(key);
  return node == nullptr ? table_->source().begin.line : node->source().begin.line;
}

void ConfigSection::fault(std::string_view key, const std::string& text) {
  faults_.add(line(key), fmt::format("{} {}: {}", title_, key, text));
}

void ConfigSection::refuse_unknown() {
  if (table_ == nullptr) return;
  for (const auto& [key, value] : *table_) {
    if (std::ranges::find(known_, key.str()) != known_.end()) continue;
    const std::string_view meant = near_miss_of(key.str(), known_);
    const std::string advice = meant.empty() ? fmt::format("the keys of {} are: {}", title_, fmt::join(known_, ", "))
                                             : fmt::format("did you mean \"{}\"?", meant);
    faults_.add(key.source().begin.line,
                fmt::format("{} {}: unknown key; {}", title_, printable(key.str(), kMaxShownBytes), advice));
  }
}

}  // namespace vodlift::app
