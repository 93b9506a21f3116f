// Typed reading of a command's fields.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/upload.h"

namespace vodlift::legacy {

// The whole number in `value`: a JSON integer, or a string of 1 to 19 digits as older clients send it. Nothing for
// anything else, and for what a signed 64-bit number cannot hold.
std::optional<std::int64_t> whole_number(const boost::json::value& value);

// Reads fields one after the other and remembers what is wrong, so that a command asks once, at the end. A faulty field
// reads as its default. Names nobody asks for are ignored. One thread; `object` must outlive it.
class Fields {
 public:
  explicit Fields(const boost::json::object& object) : object_(object) {}

  // A required string.
  std::string text(std::string_view name);
  std::string text_or(std::string_view name, std::string_view otherwise);
  std::int64_t number_or(std::string_view name, std::int64_t otherwise, std::int64_t low, std::int64_t high);
  // One number or a list of 1 to `max_count`, each in 1..2^63-1, without repetitions; empty when the field is absent.
  std::vector<std::int64_t> ids(std::string_view name, std::size_t max_count);
  // An object of strings and whole numbers; `[]`, which is PHP's empty array, and no field at all are empty.
  Metadata metadata(std::string_view name);
  // Refuses a field whose effect a client would count on and this version does not have.
  void refuse_unsupported(std::string_view name);
  // Refuses the value of a field that was read.
  void refuse(std::string_view name, std::string_view why);

  // Everything that is missing, in one error (missing_field); else the first value that is wrong (invalid_value).
  [[nodiscard]] std::optional<Error> fault() const;

 private:
  [[nodiscard]] const boost::json::value* find(std::string_view name) const;

  const boost::json::object& object_;
  std::string missing_;  // names, with ", " between
  std::optional<Error> invalid_;
};

}  // namespace vodlift::legacy
