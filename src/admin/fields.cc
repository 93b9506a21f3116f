#include "admin/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "base/encoding.h"

namespace vodlift::admin {

const boost::json::value* Fields::find(std::string_view name) {
  known_.push_back(name);
  return object_.if_contains(name);
}

void Fields::wrong(std::string_view name, std::string_view expected) {
  wrong_.push_back(fmt::format("{}: expected {}", name, expected));
}

std::string Fields::text(std::string_view name) {
  if (!has(name)) missing_.emplace_back(name);
  return text_or(name, "");
}

std::string Fields::text_or(std::string_view name, std::string_view otherwise) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return std::string(otherwise);
  if (const boost::json::string* text = value->if_string()) return {text->data(), text->size()};
  wrong(name, "a string");
  return {};
}

Secret Fields::secret(std::string_view name) { return Secret(text(name)); }

std::int64_t Fields::integer(std::string_view name, std::int64_t min, std::int64_t max) {
  if (!has(name)) missing_.emplace_back(name);
  return integer_if_given(name, min, max).value_or(min);
}

std::optional<std::int64_t> Fields::integer_if_given(std::string_view name, std::int64_t min, std::int64_t max) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  const std::int64_t* number = value->if_int64();
  if (number != nullptr && *number >= min && *number <= max) return *number;
  wrong(name, fmt::format("an integer from {} to {}", min, max));
  return std::nullopt;
}

bool Fields::flag(std::string_view name) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return false;
  if (const bool* flag = value->if_bool()) return *flag;
  wrong(name, "true or false");
  return false;
}

Metadata Fields::texts_by_name(std::string_view name) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return {};
  Metadata texts;
  const boost::json::object* object = value->if_object();
  bool good = object != nullptr;
  for (const auto& member : good ? *object : boost::json::object()) {
    const boost::json::string* text = member.value().if_string();
    good = good && text != nullptr;
    if (text != nullptr) texts.emplace(member.key(), std::string_view(*text));
  }
  if (!good) wrong(name, "an object with strings");
  return texts;
}

std::vector<std::int64_t> Fields::integers(std::string_view name, std::size_t max_count) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return {};
  const boost::json::array* list = value->if_array();
  std::vector<std::int64_t> numbers;
  if (list != nullptr && list->size() <= max_count) {
    for (const boost::json::value& element : *list) {
      const std::int64_t* number = element.if_int64();
      if (number != nullptr && *number >= 1) numbers.push_back(*number);
    }
  }
  if (list == nullptr || list->empty() || numbers.size() != list->size()) {
    wrong(name, fmt::format("a list of 1 to {} integers, each 1 or above", max_count));
  }
  return numbers;
}

std::optional<std::vector<std::string>> Fields::texts_if_given(std::string_view name, std::size_t max_count) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  const boost::json::array* list = value->if_array();
  bool good = list != nullptr && list->size() <= max_count;
  for (std::size_t i = 0; good && i < list->size(); ++i) {
    const boost::json::string* text = (*list)[i].if_string();
    good = text != nullptr;
    if (good) texts.emplace_back(text->data(), text->size());
  }
  if (!good) wrong(name, fmt::format("a list of at most {} strings", max_count));
  return texts;
}

std::optional<std::string> Fields::text_if_given(std::string_view name) {
  if (!has(name)) return std::nullopt;
  return text(name);
}

Result<> Fields::check() const {
  if (!missing_.empty()) {
    return Error{Errc::missing_field, fmt::format("required but missing: {}", fmt::join(missing_, ", "))};
  }
  std::vector<std::string> faults = wrong_;
  for (const auto& member : object_) {
    const std::string_view name = member.key();
    if (std::ranges::find(known_, name) == known_.end()) {
      faults.push_back(fmt::format("{}: unknown field", printable(name, 64)));
    }
  }
  if (!faults.empty()) return Error{Errc::invalid_value, fmt::format("{}", fmt::join(faults, "; "))};
  return {};
}

}  // namespace vodlift::admin
