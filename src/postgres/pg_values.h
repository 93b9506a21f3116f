// Values that a statement is given, in PostgreSQL's binary format: no text is quoted, and none is cut at a zero byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vodlift::postgres {

// Numbers of types in pg_type.
inline constexpr unsigned kBoolType = 16;
inline constexpr unsigned kByteaType = 17;
inline constexpr unsigned kTextType = 25;

// Bytes for a column of type bytea; they must live until the statement has run.
struct Bytes {
  std::string_view bytes;
};

// The same of several.
std::vector<Bytes> bytes_list(const std::vector<std::string>& texts);

// The values of one statement, $1 first. A vector becomes an array. One thread.
class PgValues {
 public:
  void add(std::int64_t value);
  void add(int value) { add(std::int64_t{value}); }
  void add(std::size_t value) { add(static_cast<std::int64_t>(value)); }
  void add(bool value);
  void add(std::string_view value);
  void add(const std::string& value) { add(std::string_view(value)); }
  void add(const char* value) { add(std::string_view(value)); }
  void add(const Bytes& value);
  template <class T>
  void add(const std::optional<T>& value) {
    if (value) return add(*value);
    add_null(type_of(T{}));
  }
  template <class T>
  void add(const std::vector<T>& values) {
    begin_array(element_type<T>(), values.size());
    for (const auto& value : values) add_element(value);
    end_array();
  }

  [[nodiscard]] int count() const { return static_cast<int>(types_.size()); }
  [[nodiscard]] const unsigned* types() const { return types_.data(); }
  // Valid until the next add().
  [[nodiscard]] std::vector<const char*> pointers() const;
  [[nodiscard]] const int* lengths() const { return lengths_.data(); }
  [[nodiscard]] const int* formats() const { return formats_.data(); }

 private:
  static constexpr unsigned kInt8 = 20;

  static unsigned type_of(std::int64_t) { return kInt8; }
  static unsigned type_of(int) { return kInt8; }
  static unsigned type_of(bool) { return kBoolType; }
  static unsigned type_of(std::string_view) { return kTextType; }
  static unsigned type_of(const std::string&) { return kTextType; }
  static unsigned type_of(const Bytes&) { return kByteaType; }
  template <class T>
  static unsigned type_of(const std::optional<T>&) {
    return type_of(T{});
  }
  template <class T>
  static unsigned element_type() {
    return type_of(T{});
  }
  static unsigned array_type(unsigned element);

  void add_value(unsigned type, std::string_view bytes);
  void add_null(unsigned type);
  void begin_array(unsigned element, std::size_t count);
  void end_array();
  void add_element(std::int64_t value);
  void add_element(int value) { add_element(std::int64_t{value}); }
  void add_element(bool value);
  void add_element(std::string_view value);
  void add_element(const std::string& value) { add_element(std::string_view(value)); }
  void add_element(const Bytes& value) { add_element(value.bytes); }
  template <class T>
  void add_element(const std::optional<T>& value) {
    value ? add_element(*value) : append_number(-1);
  }
  void append_number(std::int32_t number);

  static constexpr std::size_t kNoBytes = static_cast<std::size_t>(-1);

  std::string bytes_;                 // of all values, one after the other
  std::vector<std::size_t> offsets_;  // kNoBytes: NULL
  std::vector<unsigned> types_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

}  // namespace vodlift::postgres
