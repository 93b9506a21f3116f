// The chain of the audit log: each line carries a hash over itself and over what the line before carries.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vodlift::audit {

// What a line without its break says of the chain.
struct ChainedLine {
  std::string_view text;                    // what is hashed: all but `chain` itself
  std::optional<std::string_view> follows;  // the value before it; empty: the chain begins here. Only in some lines
  std::string_view chain;
};

// Nothing: the line has no chain, because an older version or a crash left it, or somebody else wrote it.
std::optional<ChainedLine> chained_line(std::string_view line);

// The value after `before`: SHA-256 of both, 64 hexadecimal digits.
std::string chain_value(std::string_view before, std::string_view text);

// `line`, an object with its line break, as the next of a chain whose value is `chain`, which moves on. `tells_before`:
// the line says what it follows, as the first of each file does, so that it can be checked by itself.
std::string with_chain(std::string_view line, bool tells_before, std::string& chain);

// The value of the chain at the end of `text`, which is whole lines. A line without a chain counts by its bytes. Empty:
// no line has a chain.
std::string chain_at_end(std::string_view text);

// Follows the chain through lines, the oldest first. One thread.
class ChainWalk {
 public:
  enum class Step : std::uint8_t {
    older,   // no chain has begun
    fits,    // and so do all before it
    half,    // a line that a crash cut short, as it seems: the next one that fits will prove it
    broken,  // it, or one after the last that fits, is not as it was written
  };
  Step take(std::string_view line);

  // What the last line carries; empty: there is no chain.
  [[nodiscard]] const std::string& value() const { return value_; }

 private:
  [[nodiscard]] bool fits(const ChainedLine& line) const;

  std::string value_;
  bool any_ = false;  // line at all
};

}  // namespace vodlift::audit
