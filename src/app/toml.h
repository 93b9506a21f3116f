// toml++, and the one way to read text with it. Version 3.3 meets some faulty texts with an assertion or undefined
// behaviour instead of an error (found by fuzzing: `[.server]`, `a = 1"é`); here they are errors like all others.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

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

}  // namespace vodlift::app
