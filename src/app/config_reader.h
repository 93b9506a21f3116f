// Reads the tables of a TOML file key by key and remembers every fault with its line. Only config*.cc know of TOML.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"

// toml++ 3.3 meets some faulty texts with an assertion or undefined behaviour instead of an error (found by fuzzing:
// `[.server]`, `a = 1"é`). Here they are errors like all others.
#ifdef NDEBUG
#error "toml++ takes its assertions for granted under NDEBUG"
#endif

namespace vodlift::app {

struct TomlAssertionFailed : std::logic_error {
  using std::logic_error::logic_error;
};

}  // namespace vodlift::app

#define TOML_ASSERT(expr) (static_cast<bool>(expr) ? void(0) : throw ::vodlift::app::TomlAssertionFailed(#expr))
#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wterminate"  // in noexcept functions it ends the process, as an assertion does
#endif
#include <toml++/toml.h>
#pragma GCC diagnostic pop

namespace vodlift::app {

struct TomlFault {
  std::uint32_t line = 1;
  std::string what;  // for a person; may hold foreign text
};

// The table that `text` describes, or the first thing wrong with it. Beyond TOML's own rules, a string over several
// lines must be ASCII.
std::variant<toml::table, TomlFault> parse_toml(std::string_view text);

// All faults of one file. One thread.
class ConfigFaults {
 public:
  explicit ConfigFaults(std::filesystem::path file) : file_(std::move(file)) {}

  // `line` counts from 1; 0 (a place that was never written) is reported as 1.
  void add(std::uint32_t line, std::string text);

  [[nodiscard]] bool empty() const { return faults_.empty(); }
  // config_invalid with all faults in the order of their lines.
  [[nodiscard]] Error error() const;

 private:
  struct Fault {
    std::uint32_t line;
    std::string text;
  };

  std::filesystem::path file_;
  std::vector<Fault> faults_;
};

// One table, read key by key. Each getter marks its key as known, answers nothing where the key is absent, and reports
// a value of the wrong kind. Keep no longer than the table and the faults.
class ConfigSection {
 public:
  // `title` is how faults call it: "[server]". A null `table` reads as an empty one.
  ConfigSection(const toml::table* table, std::string title, ConfigFaults& faults);

  // Whether the key is there; it is known from then on.
  bool has(std::string_view key) { return find(key) != nullptr; }
  std::optional<std::string> text(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t min, std::int64_t max);
  std::optional<bool> flag(std::string_view key);
  // Each string of a list, with its line.
  struct Item {
    std::string text;
    std::uint32_t line;
  };
  std::vector<Item> texts(std::string_view key);

  // The same, where one string may stand without the brackets of a list.
  std::vector<Item> one_or_more_texts(std::string_view key);

  // Where `key` was written; the section's own line when it was not.
  [[nodiscard]] std::uint32_t line(std::string_view key) const;
  // Reports a fault of `key`: "[server] listen: <text>".
  void fault(std::string_view key, const std::string& text);
  // Reports every key that no getter asked for.
  void refuse_unknown();

 private:
  const toml::node* find(std::string_view key);

  const toml::table* table_;
  std::string title_;
  ConfigFaults& faults_;
  std::vector<std::string_view> known_;
};

}  // namespace vodlift::app
