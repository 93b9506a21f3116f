// Structured logs: one event, a few fields, one line; for a console or as JSON.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace vodlift::log {

enum class Level { debug, info, warn, error };
enum class Format { console, json };

// One named fact of an event. Strings are made printable and cut to 512 bytes when written. A text is not copied: it
// must live as long as the call that the field is for.
class Field {
 public:
  Field(std::string_view field, std::string_view text) noexcept : name_(field), text_(text) {}
  Field(std::string_view field, const char* text) noexcept : Field(field, std::string_view(text)) {}
  Field(std::string_view field, const std::string& text) noexcept : Field(field, std::string_view(text)) {}
  template <class T>
  requires std::is_arithmetic_v<T> Field(std::string_view field, T number)
      : name_(field), number_(std::to_string(number)) {}

  [[nodiscard]] std::string_view name() const { return name_; }
  [[nodiscard]] std::string_view value() const { return is_number() ? std::string_view(number_) : text_; }
  [[nodiscard]] bool is_number() const { return !number_.empty(); }

 private:
  std::string_view name_;
  std::string_view text_;
  std::string number_;  // not empty: it is one
};

// Sets the form of the log, on standard error, and its level. Until the first call: console, info. Any thread.
void configure(Format format, Level level);

// Writes one event. Any thread; never throws; `message` is a constant phrase, what varies goes into fields.
void event(Level level, std::string_view message, std::initializer_list<Field> fields = {}) noexcept;

inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
  event(Level::debug, message, fields);
}
inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
  event(Level::info, message, fields);
}
inline void warn(std::string_view message, std::initializer_list<Field> fields = {}) {
  event(Level::warn, message, fields);
}
inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
  event(Level::error, message, fields);
}

}  // namespace vodlift::log
