// Shell wildcards for file names.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace vodlift {

// A pattern in which `*` stands for any characters, `?` for one, `[a-z]` and `[!a-z]` for one of these or one of the
// others, and a backslash takes the next character as it is. A name that begins with a dot is as good as any other, and
// upper case differs from lower case. A pattern with a slash is meant for a whole relative path: then `*`, `?` and
// brackets match no slash. Immutable; any thread.
class Wildcard {
 public:
  static constexpr std::size_t kMaxBytes = 255;

  // Errors: invalid_value (empty, too long, no UTF-8, control characters, brackets or a backslash without an end, other
  // characters than ASCII or classes such as [:digit:] in brackets); the message begins with "filter: ".
  static Result<Wildcard> parse(std::string_view pattern);

  // Whether all of `name`, UTF-8, matches. Time: a few operations for each byte of the name, whatever the pattern is.
  [[nodiscard]] bool matches(std::string_view name) const;

  [[nodiscard]] bool for_paths() const { return for_paths_; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  // Bit i: so far the name can be what the pattern's first i elements stand for.
  static constexpr std::size_t kWords = 4;
  using States = std::array<std::uint64_t, kWords>;
  class Parser;

  Wildcard() = default;

  std::string text_;
  bool for_paths_ = false;
  std::size_t length_ = 0;             // elements; stars are none of their own
  std::array<States, 256> accepts_{};  // by byte: the elements that it can be
  States stars_{};                     // elements with a star before them; the end too
  States characters_{};                // behind an element that may be a character of several bytes
};

}  // namespace vodlift
