// Reads the members of a command's JSON object and remembers what is missing, wrong or unknown.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "core/upload.h"

namespace vodlift::admin {

// One object, read member by member: ask for every member, then check() once, then use what was read. Getters never
// fail; where a member is absent or of the wrong kind they answer an empty value and check() tells. One thread.
class Fields {
 public:
  explicit Fields(boost::json::object object) : object_(std::move(object)) {}

  [[nodiscard]] bool has(std::string_view name) const { return object_.contains(name); }

  std::string text(std::string_view name);
  std::string text_or(std::string_view name, std::string_view otherwise);
  Secret secret(std::string_view name);
  std::int64_t integer(std::string_view name, std::int64_t min, std::int64_t max);
  std::optional<std::int64_t> integer_if_given(std::string_view name, std::int64_t min, std::int64_t max);
  bool flag(std::string_view name);               // false when absent
  Metadata texts_by_name(std::string_view name);  // empty when absent
  // At most `max_count` integers of 1 and above; empty when absent.
  std::vector<std::int64_t> integers(std::string_view name, std::size_t max_count);

  // At most `max_count` strings; nothing when absent.
  std::optional<std::vector<std::string>> texts_if_given(std::string_view name, std::size_t max_count);
  std::optional<std::string> text_if_given(std::string_view name);

  // Errors: missing_field (naming all), invalid_value (wrong kinds and unknown names, all of them).
  [[nodiscard]] Result<> check() const;

 private:
  const boost::json::value* find(std::string_view name);
  void wrong(std::string_view name, std::string_view expected);

  boost::json::object object_;
  std::vector<std::string_view> known_;
  std::vector<std::string> missing_;
  std::vector<std::string> wrong_;
};

}  // namespace vodlift::admin
