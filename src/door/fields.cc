#include "door/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/string.hpp>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <stdexcept>

#include "base/encoding.h"
#include "base/near_miss.h"
#include "base/text.h"
#include "core/upload_fields.h"

namespace vodlift::door {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxShownBytes = 64;
constexpr std::size_t kMaxFaults = 20;  // more are not shown
constexpr std::size_t kMaxDigits = 19;

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

std::optional<std::int64_t> number_from_digits(std::string_view text) {
  if (!is_number(text) || text.size() > kMaxDigits) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{}) return std::nullopt;
  return number;
}

// Floats hold every whole number up to here; beyond, some are missing, and a number may not be the one that was meant.
constexpr double kMaxExactFloat = 9007199254740992.0;

std::optional<std::int64_t> number_from_float(double number) {
  if (std::signbit(number) && number == 0) return std::nullopt;
  if (std::abs(number) > kMaxExactFloat || std::trunc(number) != number) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

// As PHP prints it: 14 digits at most, and an exponent such as "1.0E+25".
std::string text_of_float(double number) {
  constexpr int kDigits = 14;
  std::array<char, 32> buffer{};
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::general, kDigits);
  std::string text(buffer.data(), written.ptr);
  const std::size_t e = text.find('e');
  if (e == std::string::npos) return text;
  std::string mantissa = text.substr(0, e);
  if (mantissa.find('.') == std::string::npos) mantissa += ".0";
  std::string_view exponent = std::string_view(text).substr(e + 2);
  exponent.remove_prefix(std::min(exponent.find_first_not_of('0'), exponent.size() - 1));
  return fmt::format("{}E{}{}", mantissa, text[e + 1], exponent);
}

// The text that PHP prints for a value that is no list and no object.
std::optional<std::string> scalar_text(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "";
    case json::kind::bool_:
      return value.get_bool() ? "1" : "";
    case json::kind::int64:
      return std::to_string(value.get_int64());
    case json::kind::uint64:  // PHP has no such whole numbers, and reads it as a float
      return text_of_float(static_cast<double>(value.get_uint64()));
    case json::kind::double_:
      return text_of_float(value.get_double());
    case json::kind::string:
      return std::string(view(value.get_string()));
    default:
      return std::nullopt;
  }
}

std::string range_text(const FieldSpec& spec) {
  if (spec.high == std::numeric_limits<std::int64_t>::max()) return fmt::format("{} or more", spec.low);
  return fmt::format("{} to {}", spec.low, spec.high);
}

std::string words_text(const FieldSpec& spec) {
  std::string out;
  for (std::size_t i = 0; i < spec.words.size(); ++i) {
    if (i > 0) out += i + 1 == spec.words.size() ? " or " : ", ";
    out += spec.words[i];
  }
  return out;
}

// Checks one value against its spec. Each method answers what is wrong, as text that follows the field's name; empty:
// nothing.
class ValueCheck {
 public:
  ValueCheck(const FieldSpec& spec, const json::value& value, Dialect dialect)
      : spec_(spec), value_(value), lenient_(dialect == Dialect::lenient) {}

  [[nodiscard]] std::string fault() const {
    switch (spec_.type) {
      case FieldType::text:
        return text();
      case FieldType::number:
        return number();
      case FieldType::flag:
        return value_.is_bool() ? "" : ": must be true or false";
      case FieldType::word:
        return is_word(value_) ? "" : ": must be " + words_text(spec_);
      case FieldType::words:
        return words();
      case FieldType::ids:
        return ids();
      case FieldType::texts:
        return texts();
      case FieldType::objects:
        return objects();
      case FieldType::pairs:
        break;
    }
    return pairs();
  }

 private:
  [[nodiscard]] std::optional<std::int64_t> number_in(const json::value& value) const {
    return lenient_ || value.is_int64() ? whole_number(value) : std::nullopt;
  }

  [[nodiscard]] bool is_word(const json::value& value) const {
    const json::string* text = value.if_string();
    return text != nullptr && std::ranges::find(spec_.words, view(*text)) != spec_.words.end();
  }

  [[nodiscard]] std::string text() const {
    const json::string* text = value_.if_string();
    if (text == nullptr) return ": must be a string";
    if (text->size() <= static_cast<std::size_t>(spec_.high)) return {};
    return fmt::format(": {} bytes; at most {} are allowed", text->size(), spec_.high);
  }

  [[nodiscard]] std::string number() const {
    const auto number = number_in(value_);
    if (number && *number >= spec_.low && *number <= spec_.high) return {};
    return ": must be a whole number, " + range_text(spec_);
  }

  [[nodiscard]] std::string words() const {
    const json::array* list = value_.if_array();
    if (list == nullptr && lenient_) return is_word(value_) ? "" : ": must be " + words_text(spec_);
    if (list == nullptr || list->empty() || list->size() > spec_.words.size()) {
      return fmt::format(": a list must hold 1 to {} words", spec_.words.size());
    }
    const bool good = std::ranges::all_of(*list, [this](const json::value& one) { return is_word(one); });
    return good ? "" : ": each word of the list must be " + words_text(spec_);
  }

  [[nodiscard]] std::string ids() const {
    const auto is_id = [this](const json::value& one) { return number_in(one).value_or(0) >= 1; };
    const json::array* list = value_.if_array();
    if (list == nullptr && lenient_) {
      return is_id(value_) ? "" : ": must be a whole number from 1, or a list of such numbers";
    }
    if (list == nullptr || list->empty() || list->size() > static_cast<std::size_t>(spec_.high)) {
      return fmt::format(": a list must hold 1 to {} ids", spec_.high);
    }
    if (std::ranges::all_of(*list, is_id)) return {};
    return lenient_ ? ": must be a whole number from 1, or a list of such numbers"
                    : ": must be a list of whole numbers from 1";
  }

  [[nodiscard]] std::string texts() const {
    const json::array* list = value_.if_array();
    const auto is_text = [](const json::value& one) { return one.is_string(); };
    const bool good =
        list != nullptr && list->size() <= static_cast<std::size_t>(spec_.high) && std::ranges::all_of(*list, is_text);
    return good ? "" : fmt::format(": must be a list of at most {} strings", spec_.high);
  }

  [[nodiscard]] std::string objects() const {
    const json::array* list = value_.if_array();
    const bool good = list != nullptr && static_cast<std::int64_t>(list->size()) <= spec_.high &&
                      std::ranges::all_of(*list, [](const json::value& one) { return one.is_object(); });
    return good ? "" : fmt::format(": must be a list of at most {} objects", spec_.high);
  }

  [[nodiscard]] std::string pairs() const {
    if (const json::array* list = value_.if_array(); lenient_ && list != nullptr && list->empty()) return {};
    if (const json::string* text = value_.if_string(); lenient_ && text != nullptr && text->empty()) return {};
    const json::object* object = value_.if_object();
    if (object == nullptr) return ": must be an object of names and values";
    for (const auto& member : *object) {
      const json::value& value = member.value();
      if (lenient_ ? !value.is_structured() : value.is_string()) continue;
      return fmt::format(".{}: must be a string{}", printable(member.key(), kMaxShownBytes),
                         lenient_ ? ", a number, true, false or null" : "");
    }
    return {};
  }

  const FieldSpec& spec_;
  const json::value& value_;
  bool lenient_;
};

std::string missing_names(std::span<const FieldSpec> specs, const json::object& object) {
  std::string names;
  for (const FieldSpec& spec : specs) {
    if (!spec.required || object.contains(spec.name)) continue;
    if (!names.empty()) names += ", ";
    names += spec.name;
  }
  return names;
}

bool has_spec(std::span<const FieldSpec> specs, std::string_view name) {
  return std::ranges::find(specs, name, &FieldSpec::name) != specs.end();
}

// What is wrong with a name that no spec has; empty: nothing.
std::string fault_of_name(std::string_view name, std::span<const FieldSpec> specs, Dialect dialect) {
  const auto meant =
      std::ranges::find_if(specs, [name](const FieldSpec& spec) { return is_near_miss(name, spec.name); });
  if (meant == specs.end() && dialect == Dialect::lenient) return {};
  std::string fault = printable(name, kMaxShownBytes) + ": there is no such field";
  if (meant != specs.end()) fault += fmt::format("; did you mean {}?", meant->name);
  return fault;
}

}  // namespace

std::optional<std::int64_t> whole_number(const json::value& value) {
  if (const std::int64_t* number = value.if_int64()) return *number;
  if (const double* number = value.if_double()) return number_from_float(*number);
  const json::string* text = value.if_string();
  return text == nullptr ? std::nullopt : number_from_digits(view(*text));
}

Result<Fields> Fields::read(std::span<const FieldSpec> specs, const json::object& object, Dialect dialect,
                            std::span<const FieldSpec> common) {
  if (const std::string names = missing_names(specs, object); !names.empty()) {
    return Error{Errc::missing_field, "missing required fields: " + names};
  }
  std::vector<std::string> faults;
  for (const FieldSpec& spec : specs) {
    const json::value* value = object.if_contains(spec.name);
    if (value == nullptr) continue;
    std::string fault = ValueCheck(spec, *value, dialect).fault();
    if (!fault.empty()) faults.push_back(std::string(spec.name) + fault);
  }
  for (const auto& member : object) {
    if (faults.size() >= kMaxFaults) break;
    const std::string_view name = member.key();
    if (has_spec(specs, name) || has_spec(common, name)) continue;
    std::string fault = fault_of_name(name, specs, dialect);
    if (!fault.empty()) faults.push_back(std::move(fault));
  }
  if (!faults.empty()) return Error{Errc::invalid_value, fmt::format("{}", fmt::join(faults, "; "))};
  return Fields(specs, object);
}

const FieldSpec& Fields::spec(std::string_view name, FieldType type) const {
  const auto found = std::ranges::find(specs_, name, &FieldSpec::name);
  const bool readable =
      found != specs_.end() && (found->type == type || (type == FieldType::text && found->type == FieldType::word));
  if (!readable) throw std::logic_error("the command's row has no such field: " + std::string(name));
  return *found;
}

std::string_view Fields::text(std::string_view name) const {
  const FieldSpec& wanted = spec(name, FieldType::text);
  const json::value* value = object_->if_contains(name);
  return value == nullptr ? wanted.otherwise : view(value->get_string());
}

std::int64_t Fields::number(std::string_view name) const {
  const FieldSpec& wanted = spec(name, FieldType::number);
  const json::value* value = object_->if_contains(name);
  return (value == nullptr ? number_from_digits(wanted.otherwise) : whole_number(*value)).value_or(0);
}

std::optional<std::int64_t> Fields::number_if_given(std::string_view name) const {
  const auto number = this->number(name);
  return has(name) ? std::optional(number) : std::nullopt;
}

bool Fields::flag(std::string_view name) const {
  static_cast<void>(spec(name, FieldType::flag));
  const json::value* value = object_->if_contains(name);
  return value != nullptr && value->get_bool();
}

std::vector<std::int64_t> Fields::ids(std::string_view name) const {
  static_cast<void>(spec(name, FieldType::ids));
  const json::value* value = object_->if_contains(name);
  if (value == nullptr) return {};
  std::vector<std::int64_t> ids;
  if (const json::array* list = value->if_array()) {
    for (const json::value& element : *list) ids.push_back(whole_number(element).value_or(0));
  } else {
    ids.push_back(whole_number(*value).value_or(0));
  }
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

std::vector<std::string_view> Fields::words(std::string_view name) const {
  const FieldSpec& wanted = spec(name, FieldType::words);
  const json::value* value = object_->if_contains(name);
  if (value == nullptr) return {};
  const auto is_given = [value](std::string_view word) {
    const auto is_it = [word](const json::value& one) { return view(one.get_string()) == word; };
    const json::array* list = value->if_array();
    return list == nullptr ? is_it(*value) : std::ranges::any_of(*list, is_it);
  };
  std::vector<std::string_view> out;
  std::ranges::copy_if(wanted.words, std::back_inserter(out), is_given);
  return out;
}

std::vector<std::string> Fields::texts(std::string_view name) const {
  static_cast<void>(spec(name, FieldType::texts));
  const json::value* value = object_->if_contains(name);
  if (value == nullptr) return {};
  std::vector<std::string> out;
  for (const json::value& element : value->get_array()) out.emplace_back(view(element.get_string()));
  return out;
}

std::vector<const json::object*> Fields::objects(std::string_view name) const {
  static_cast<void>(spec(name, FieldType::objects));
  const json::value* value = object_->if_contains(name);
  std::vector<const json::object*> out;
  if (value == nullptr) return out;
  for (const json::value& one : value->as_array()) out.push_back(&one.as_object());
  return out;
}

Metadata Fields::pairs(std::string_view name) const {
  static_cast<void>(spec(name, FieldType::pairs));
  const json::value* value = object_->if_contains(name);
  const json::object* object = value == nullptr ? nullptr : value->if_object();
  if (object == nullptr) return {};
  Metadata out;
  for (const auto& member : *object) out.emplace(member.key(), scalar_text(member.value()).value());
  return out;
}

UploadRequest read_upload_request(const Fields& fields) {
  UploadRequest request;
  std::string_view name;
  const auto read = [&](auto& value) {
    using Value = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_same_v<Value, std::string>) value = fields.text(name);
    if constexpr (std::is_same_v<Value, int>) value = static_cast<int>(fields.number(name));
    if constexpr (std::is_same_v<Value, Acl>) value = acl_from(fields.text(name)).value();
    if constexpr (std::is_same_v<Value, Overwrite>) value = overwrite_from(fields.text(name)).value();
    if constexpr (std::is_same_v<Value, Metadata>) value = fields.pairs(name);
  };
  for (const UploadField& field : upload_fields()) {
    name = field.spec.name;
    const auto read_member = [&](auto member) {
      if constexpr (std::is_invocable_v<decltype(member), UploadOptions&>) {
        read(request.options.*member);
      } else {
        read(request.*member);
      }
    };
    std::visit(read_member, field.member);
  }
  return request;
}

}  // namespace vodlift::door
