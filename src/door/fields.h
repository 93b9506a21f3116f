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
#include "core/field_spec.h"
#include "core/upload.h"

namespace vodlift::door {

// How exactly a request must follow its specs.
enum class Dialect {
  strict,   // values have the type of their spec; lists are lists; an unknown name is an error
  lenient,  // what old clients send: digits in a string are a number, and so is a float without a fraction; a single
            // value is a list of one; numbers, true, false and null are values of pairs, as the text that PHP prints
            // for them; `[]` is an empty object; an unknown name is ignored unless it is a near miss of a known one
};

// The whole number in `value`: a JSON integer, a float without a fraction of at most 2^53, or a string of 1 to 19
// digits. Nothing for any other value, for -0.0, and for a number that a signed 64-bit integer cannot hold.
std::optional<std::int64_t> whole_number(const boost::json::value& value);

// The fields of one request, all of them valid by their specs. Reading a field whose spec has another type is a bug and
// throws. One thread; specs and object must outlive it.
class Fields {
 public:
  // `common`: specs of the names that every request of the door has; they are known, but not checked here.
  // Errors, the first of: missing_field (the message names all that are missing), invalid_value (the message names
  // every value that its spec does not allow and every unknown name).
  static Result<Fields> read(std::span<const FieldSpec> specs, const boost::json::object& object, Dialect dialect,
                             std::span<const FieldSpec> common = {});

  [[nodiscard]] bool has(std::string_view name) const { return object_->contains(name); }
  // A text or word; absent: its spec's `otherwise`.
  [[nodiscard]] std::string_view text(std::string_view name) const;
  // Absent: its spec's `otherwise`, or 0.
  [[nodiscard]] std::int64_t number(std::string_view name) const;
  // Absent: nothing, whatever the spec says.
  [[nodiscard]] std::optional<std::int64_t> number_if_given(std::string_view name) const;
  // Absent: false.
  [[nodiscard]] bool flag(std::string_view name) const;
  // Ascending, each once; empty when absent.
  [[nodiscard]] std::vector<std::int64_t> ids(std::string_view name) const;
  // In the order of the spec's words, each once; empty when absent.
  [[nodiscard]] std::vector<std::string_view> words(std::string_view name) const;
  // In the order of the request; empty when absent.
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  // In the order of the request; empty when absent.
  [[nodiscard]] std::vector<const boost::json::object*> objects(std::string_view name) const;
  // Empty when absent.
  [[nodiscard]] Metadata pairs(std::string_view name) const;

 private:
  Fields(std::span<const FieldSpec> specs, const boost::json::object& object) : specs_(specs), object_(&object) {}
  [[nodiscard]] const FieldSpec& spec(std::string_view name, FieldType type) const;

  std::span<const FieldSpec> specs_;
  const boost::json::object* object_;
};

// The upload request in `fields`, whose specs include core's upload_field_specs(). Its rules are not checked here
// (core/upload_request.h).
UploadRequest read_upload_request(const Fields& fields);

}  // namespace vodlift::door
