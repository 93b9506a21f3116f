// A row that a database answers, whichever database it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace vodlift {

// Columns are read by the names that the statement gives them. A name that it does not give is a bug: std::logic_error.
// One thread.
class Row {
 public:
  Row() = default;
  Row(const Row&) = delete;
  Row& operator=(const Row&) = delete;
  virtual ~Row() = default;

  [[nodiscard]] virtual bool is_null(std::string_view column) const = 0;
  [[nodiscard]] virtual std::int64_t integer(std::string_view column) const = 0;  // 0 for NULL; true and false: 1 and 0
  [[nodiscard]] virtual std::string text(std::string_view column) const = 0;      // empty for NULL
  [[nodiscard]] virtual std::string blob(std::string_view column) const = 0;      // likewise

  [[nodiscard]] std::optional<std::int64_t> optional_integer(std::string_view column) const {
    return is_null(column) ? std::nullopt : std::optional(integer(column));
  }
  // Of Unix milliseconds.
  [[nodiscard]] std::optional<WallTime> optional_time(std::string_view column) const {
    return is_null(column) ? std::nullopt : std::optional(from_unix_ms(integer(column)));
  }
};

}  // namespace vodlift
