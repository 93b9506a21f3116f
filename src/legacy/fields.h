// A command's fields: checked against its row, then read.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/upload.h"
#include "legacy/field_spec.h"

namespace vodlift::legacy {

// The whole number in `value`: a JSON integer, or a string of 1 to 19 digits as older clients send it. Nothing for
// anything else, and for what a signed 64-bit number cannot hold.
std::optional<std::int64_t> whole_number(const boost::json::value& value);

// The fields of one request, all of them right by their specs. Reading one that has no spec of the type asked for is a
// bug and throws. One thread; specs and object must outlive it.
class Fields {
 public:
  // Errors, the first of: missing_field (one error names all that are missing), invalid_value (the first that is not
  // what its spec says; a name that no spec has and that is a near miss of one). Other unknown names are ignored: older
  // clients send some, and must keep working.
  static Result<Fields> read(std::span<const FieldSpec> specs, const boost::json::object& object);

  [[nodiscard]] bool has(std::string_view name) const { return object_->contains(name); }
  // A text or word; absent: its spec's `otherwise`.
  [[nodiscard]] std::string_view text(std::string_view name) const;
  // Absent: its spec's `otherwise`.
  [[nodiscard]] std::int64_t number(std::string_view name) const;
  // Ascending, each once; empty when absent.
  [[nodiscard]] std::vector<std::int64_t> ids(std::string_view name) const;
  // In the order of its spec's words, each once; empty when absent.
  [[nodiscard]] std::vector<std::string_view> words(std::string_view name) const;
  // Empty when absent, and for `[]`.
  [[nodiscard]] Metadata pairs(std::string_view name) const;

 private:
  Fields(std::span<const FieldSpec> specs, const boost::json::object& object) : specs_(specs), object_(&object) {}
  [[nodiscard]] const FieldSpec& spec(std::string_view name, FieldType type) const;

  std::span<const FieldSpec> specs_;
  const boost::json::object* object_;
};

}  // namespace vodlift::legacy
