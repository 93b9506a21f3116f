// Structured logs: one event, a few fields, one line; for a console or as JSON.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace vodlift::log {

enum class Level { debug, info, warn, error };
enum class Format { console, json };

// One named fact of an event. Strings are made printable and cut to 512 bytes when written. Without memory for it, a
// text is empty: what reports an exception must not throw another one.
struct Field {
  std::string_view name;
  std::string value;
  bool is_number = false;

  Field(std::string_view field, std::string_view text) noexcept;
  Field(std::string_view field, const char* text) noexcept : Field(field, std::string_view(text)) {}
  Field(std::string_view field, const std::string& text) noexcept : Field(field, std::string_view(text)) {}
  template <class T>
  requires std::is_arithmetic_v<T> Field(std::string_view field, T number)
      : name(field), value(std::to_string(number)), is_number(true) {}
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
