// The words of an enum, as JSON, the database and the command line spell them.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>

namespace vodlift {
namespace words {

// Whether `value` is an enumerator of Enum. The compiler writes an enumerator's name at the end of the function's name,
// and a number for every other value.
template <class Enum, Enum value>
constexpr bool is_enumerator() {
  const std::string_view name = __PRETTY_FUNCTION__;
  const std::size_t end = name.rfind(']');
  const std::size_t before = name.find_last_of("=: ()", end - 1);
  return name[before + 1] < '0' || name[before + 1] > '9';
}

// How many enumerators Enum has. They must have the values 0, 1, 2 ...
template <class Enum, std::size_t At = 0>
constexpr std::size_t count() {
  if constexpr (is_enumerator<Enum, static_cast<Enum>(At)>()) {
    return count<Enum, At + 1>();
  } else {
    return At;
  }
}

}  // namespace words

// One word for each enumerator of Enum, whose values are 0, 1, 2 ... An immutable table, made at compile time:
//
//   constexpr Words<Color> kColors = {{Color::red, "red"}, {Color::green, "green"}};
//
// It does not compile unless there is exactly one row for each enumerator, in the enum's order.
template <class Enum>
class Words {
 public:
  static constexpr std::size_t kCount = words::count<Enum>();

  struct Row {
    Enum value;
    std::string_view word;
  };

  constexpr Words(std::initializer_list<Row> rows) {
    if (rows.size() != kCount) throw std::logic_error("one row for each enumerator");
    std::size_t at = 0;
    for (const Row& row : rows) {
      if (static_cast<std::size_t>(row.value) != at) throw std::logic_error("rows in the enum's order");
      words_[at++] = row.word;
    }
  }

  // The word of `value`, which must be an enumerator.
  [[nodiscard]] constexpr std::string_view word(Enum value) const { return words_.at(static_cast<std::size_t>(value)); }

  // All words, in the enum's order.
  [[nodiscard]] constexpr std::span<const std::string_view> all() const { return words_; }

  // The enumerator of `word`, compared byte by byte; nothing for any other word.
  [[nodiscard]] constexpr std::optional<Enum> value(std::string_view word) const {
    for (std::size_t at = 0; at < kCount; ++at) {
      if (words_[at] == word) return static_cast<Enum>(at);
    }
    return std::nullopt;
  }

 private:
  std::array<std::string_view, kCount> words_{};
};

}  // namespace vodlift
