#include "legacy/php_value.h"

#include <fmt/format.h>

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <charconv>
#include <cmath>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "base/encoding.h"

namespace vodlift::legacy {
namespace {

namespace json = boost::json;

// The number that `text` is the only spelling of: no sign except a minus, no leading zeros, not "-0".
std::optional<std::int64_t> canonical_integer(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || (digits.front() == '0' && text.size() > 1)) return std::nullopt;
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, number);
  if (problem != std::errc{} || stop != end) return std::nullopt;
  return number;
}

std::string name_of(const PhpKey& key) {
  const std::string* text = std::get_if<std::string>(&key);
  return text != nullptr ? *text : std::to_string(std::get<std::int64_t>(key));
}

json::value json_from_array(const PhpArray& pairs, const json::storage_ptr& memory) {
  if (is_php_list(pairs)) {
    json::array list(memory);
    list.reserve(pairs.size());
    for (const PhpPair& pair : pairs) list.push_back(json_from_php(pair.value, memory));
    return list;
  }
  json::object object(memory);
  object.reserve(pairs.size());
  for (const PhpPair& pair : pairs) object.emplace(name_of(pair.key), json_from_php(pair.value, memory));
  return object;
}

json::value json_from_float(double number, const json::storage_ptr& memory) {
  if (const auto whole = canonical_integer(php_float(number, 'e'))) return json::value(*whole, memory);
  return json::value(number, memory);
}

constexpr int kMaxPlainDigits = 17;  // PHP writes an exponent for more digits before the point
constexpr int kMaxPlainZeros = 4;    // or for more zeros after the point

class SerializeWriter {
 public:
  // NOLINTNEXTLINE(misc-no-recursion): as deep as the value
  void write(const PhpValue& value) {
    if (const auto* flag = std::get_if<bool>(&value.is)) {
      out_ += *flag ? "b:1;" : "b:0;";
    } else if (const auto* number = std::get_if<std::int64_t>(&value.is)) {
      write(*number);
    } else if (const auto* real = std::get_if<double>(&value.is)) {
      out_ += "d:" + float_text(*real) + ";";
    } else if (const auto* text = std::get_if<std::string>(&value.is)) {
      write(*text);
    } else if (const auto* pairs = std::get_if<PhpArray>(&value.is)) {
      fmt::format_to(std::back_inserter(out_), "a:{}:{{", pairs->size());
      for (const PhpPair& pair : *pairs) {
        std::visit([this](const auto& key) { write(key); }, pair.key);
        write(pair.value);
      }
      out_ += '}';
    } else {
      out_ += "N;";
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void write(std::int64_t number) { fmt::format_to(std::back_inserter(out_), "i:{};", number); }
  void write(const std::string& text) {
    fmt::format_to(std::back_inserter(out_), "s:{}:\"", text.size());
    out_ += text;
    out_ += "\";";
  }
  static std::string float_text(double number) {
    if (std::isnan(number)) return "NAN";
    if (std::isinf(number)) return number < 0 ? "-INF" : "INF";
    return php_float(number, 'E');
  }

  std::string out_;
};

Error refused(std::string_view why) { return {Errc::invalid_value, "php: " + std::string(why)}; }

class JsonWriter {
 public:
  // NOLINTNEXTLINE(misc-no-recursion): as deep as the value
  Result<> write(const PhpValue& value) {
    if (const auto* pairs = std::get_if<PhpArray>(&value.is)) return write_array(*pairs);
    if (const auto* text = std::get_if<std::string>(&value.is)) return write_text(*text);
    if (const auto* flag = std::get_if<bool>(&value.is)) {
      out_ += *flag ? "true" : "false";
    } else if (const auto* number = std::get_if<std::int64_t>(&value.is)) {
      out_ += std::to_string(*number);
    } else if (const auto* real = std::get_if<double>(&value.is)) {
      if (!std::isfinite(*real)) return refused("JSON has no infinite numbers");
      out_ += php_float(*real, 'e');
    } else {
      out_ += "null";
    }
    return {};
  }

  std::string take() { return std::move(out_); }

 private:
  // NOLINTNEXTLINE(misc-no-recursion): as deep as the value
  Result<> write_array(const PhpArray& pairs) {
    const bool list = is_php_list(pairs);
    out_ += list ? '[' : '{';
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (i > 0) out_ += ',';
      if (!list) {
        if (auto key = write_key(pairs[i].key); !key) return key;
      }
      if (auto value = write(pairs[i].value); !value) return value;
    }
    out_ += list ? ']' : '}';
    return {};
  }

  Result<> write_key(const PhpKey& key) {
    if (const auto* number = std::get_if<std::int64_t>(&key)) {
      fmt::format_to(std::back_inserter(out_), "\"{}\"", *number);
    } else if (auto text = write_text(std::get<std::string>(key)); !text) {
      return text;
    }
    out_ += ':';
    return {};
  }

  Result<> write_text(std::string_view text) {
    if (!is_valid_utf8(text)) return refused("a string is not valid UTF-8");
    out_ += '"';
    while (!text.empty()) {
      const auto first = static_cast<unsigned char>(text.front());
      if (first < 0x80) {
        write_ascii(text.front());
        text.remove_prefix(1);
        continue;
      }
      std::size_t bytes = 2;
      if (first >= 0xE0) bytes = first >= 0xF0 ? 4 : 3;
      std::uint32_t letter = first & (0xFFU >> (bytes + 1));
      for (const char c : text.substr(1, bytes - 1)) letter = letter << 6U | (static_cast<unsigned char>(c) & 0x3FU);
      write_letter(letter);
      text.remove_prefix(bytes);
    }
    out_ += '"';
    return {};
  }

  void write_ascii(char c) {
    constexpr std::string_view kNamed = "\"\\/\b\f\n\r\t";
    constexpr std::string_view kNames = "\"\\/bfnrt";
    if (const std::size_t at = kNamed.find(c); at != std::string_view::npos) {
      out_ += '\\';
      out_ += kNames[at];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      write_unit(static_cast<unsigned char>(c));
    } else {
      out_ += c;
    }
  }

  void write_letter(std::uint32_t letter) {
    if (letter < 0x10000) return write_unit(letter);
    write_unit(0xD800U + ((letter - 0x10000U) >> 10U));
    write_unit(0xDC00U + ((letter - 0x10000U) & 0x3FFU));
  }

  void write_unit(std::uint32_t unit) { fmt::format_to(std::back_inserter(out_), "\\u{:04x}", unit); }

  std::string out_;
};

}  // namespace

PhpKey php_key(std::string_view name) {
  if (const auto number = canonical_integer(name)) return *number;
  return std::string(name);
}

bool is_php_list(const PhpArray& array) {
  std::int64_t next = 0;
  for (const PhpPair& pair : array) {
    const std::int64_t* number = std::get_if<std::int64_t>(&pair.key);
    if (number == nullptr || *number != next++) return false;
  }
  return true;
}

// NOLINTNEXTLINE(misc-no-recursion): bounded by the parser
json::value json_from_php(const PhpValue& value, json::storage_ptr memory) {
  if (const auto* flag = std::get_if<bool>(&value.is)) return json::value(*flag, std::move(memory));
  if (const auto* number = std::get_if<std::int64_t>(&value.is)) return json::value(*number, std::move(memory));
  if (const auto* number = std::get_if<double>(&value.is)) return json_from_float(*number, memory);
  if (const auto* text = std::get_if<std::string>(&value.is)) return json::string(*text, std::move(memory));
  if (const auto* pairs = std::get_if<PhpArray>(&value.is)) return json_from_array(*pairs, memory);
  return json::value(nullptr, std::move(memory));
}

// NOLINTNEXTLINE(misc-no-recursion): answers are as deep as their commands make them
PhpValue php_from_json(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return {};
    case json::kind::bool_:
      return {value.get_bool()};
    case json::kind::int64:
      return {value.get_int64()};
    case json::kind::uint64:  // beyond what a signed one holds
      return {static_cast<double>(value.get_uint64())};
    case json::kind::double_:
      return {value.get_double()};
    case json::kind::string:
      return {std::string(value.get_string())};
    case json::kind::array: {
      PhpArray pairs;
      for (const json::value& element : value.get_array()) {
        pairs.push_back({static_cast<std::int64_t>(pairs.size()), php_from_json(element)});
      }
      return {std::move(pairs)};
    }
    case json::kind::object:
      break;
  }
  PhpArray pairs;
  for (const auto& member : value.get_object()) {
    pairs.push_back({php_key({member.key().data(), member.key().size()}), php_from_json(member.value())});
  }
  return {std::move(pairs)};
}

std::string php_serialize(const PhpValue& value) {
  SerializeWriter writer;
  writer.write(value);
  return writer.take();
}

Result<std::string> php_json_encode(const PhpValue& value) {
  JsonWriter writer;
  if (auto written = writer.write(value); !written) return written.error();
  return writer.take();
}

std::string php_float(double number, char exponent) {
  if (number == 0) return std::signbit(number) ? "-0" : "0";
  std::array<char, 32> buffer{};
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(number),
                                     std::chars_format::scientific);  // "1.25e-07"
  const std::string_view text(buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data()));
  const std::size_t e = text.find('e');
  int power = 0;  // of ten, of the first digit
  const char* const digits_of_power = text.data() + e + (text[e + 1] == '+' ? 2 : 1);
  std::from_chars(digits_of_power, text.data() + text.size(), power);
  std::string digits(1, text.front());
  if (e > 2) digits += text.substr(2, e - 2);

  std::string out(std::signbit(number) ? "-" : "");
  const int point = power + 1;  // how many digits stand before it
  if (point > kMaxPlainDigits || point < 1 - kMaxPlainZeros) {
    const std::string rest = digits.size() > 1 ? digits.substr(1) : "0";
    fmt::format_to(std::back_inserter(out), "{}.{}{}{:+d}", digits.front(), rest, exponent, power);
  } else if (point <= 0) {
    out += "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
  } else {
    const auto before = static_cast<std::size_t>(point);
    if (digits.size() <= before) {
      out += digits + std::string(before - digits.size(), '0');
    } else {
      out += digits.substr(0, before) + "." + digits.substr(before);
    }
  }
  return out;
}

}  // namespace vodlift::legacy
