// The fields of an upload request, described once: every door, the JSON forms, the database's column of options, the
// command line and docs/api.md read this table. A new option is a row here, a member of UploadOptions, and the place in
// s3 that uses it.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <span>
#include <variant>

#include "core/field_spec.h"
#include "core/upload.h"

namespace vodlift {

// Where a field lies in a request.
using UploadMember =
    std::variant<std::string UploadRequest::*, int UploadRequest::*, Acl UploadRequest::*, Metadata UploadRequest::*,
                 std::string UploadOptions::*, Overwrite UploadOptions::*, Metadata UploadOptions::*>;

struct UploadField {
  FieldSpec spec;
  UploadMember member;
  // Options: checks the member by S3's rules and brings it into its one form. Errors: invalid_value (the message begins
  // with the field's name). Null: the spec says everything.
  Result<> (*check)(const FieldSpec& spec, UploadOptions& options) = nullptr;
};

// In the order of docs/api.md; the options come last.
std::span<const UploadField> upload_fields();
// The specs of upload_fields(), for a command's row.
std::span<const FieldSpec> upload_field_specs();

// Checks each option by its row. Errors: invalid_value.
Result<UploadOptions> validate_options(UploadOptions options);

// The options that were asked for, under their fields' names; an option with its default value is left out.
boost::json::object options_json(const UploadOptions& options);

// The options in `object`; other members are ignored, an absent option has its default. Nothing when a value is not of
// its field's type. Limits are not checked.
std::optional<UploadOptions> options_from_json(const boost::json::object& object);

// Names and values as a JSON object of strings.
boost::json::object pairs_json(const Metadata& pairs);
// The reverse; nothing unless it is an object of strings.
std::optional<Metadata> pairs_from_json(const boost::json::value& value);

}  // namespace vodlift
