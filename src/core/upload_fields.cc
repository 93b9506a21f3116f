#include "core/upload_fields.h"

#include <array>
#include <functional>
#include <type_traits>
#include <utility>

#include "core/upload_options.h"
#include "core/upload_request.h"

namespace vodlift {
namespace {

namespace json = boost::json;

template <auto member, auto rule>
Result<> checked_by(const FieldSpec& spec, UploadOptions& options) {
  return rule(spec, options.*member);
}

template <auto member, auto rule>
constexpr UploadField option(FieldSpec spec) {
  return {spec, member, checked_by<member, rule>};
}

constexpr std::array kFields = {
    UploadField{{.name = "path",
                 .required = true,
                 .high = kMaxPathBytes,
                 .audited = true,
                 .about = "the source: `storage/user/file`, such as `sestore4/jb/path/to/file.mp4`"},
                &UploadRequest::path},
    UploadField{{.name = "destination_path",
                 .required = true,
                 .high = kMaxKeyBytes,
                 .audited = true,
                 .about = "the object's key"},
                &UploadRequest::destination_path},
    UploadField{{.name = "bucket",
                 .required = true,
                 .high = kMaxBucketBytes,
                 .audited = true,
                 .about = "one of the account's configured buckets"},
                &UploadRequest::bucket},
    UploadField{{.name = "acl",
                 .type = FieldType::word,
                 .words = kAcls.all(),
                 .otherwise = "private",
                 .about = "who may read the object"},
                &UploadRequest::acl},
    UploadField{{.name = "metadata", .type = FieldType::pairs, .about = "names and values stored with the object"},
                &UploadRequest::metadata},
    UploadField{{.name = "callback",
                 .high = kMaxCallbackBytes,
                 .about = "URL that is notified when the upload ends; empty: no callback"},
                &UploadRequest::callback},
    UploadField{{.name = "priority",
                 .type = FieldType::number,
                 .low = 0,
                 .high = kMaxPriority,
                 .otherwise = "5",
                 .about = "9 is sent first, 0 last"},
                &UploadRequest::priority},
    option<&UploadOptions::content_type, check_content_type>(
        {.name = "content_type",
         .high = kMaxContentTypeBytes,
         .about = "the object's media type; empty: chosen by the extension of `destination_path`"}),
    option<&UploadOptions::cache_control, check_header_value>(
        {.name = "cache_control",
         .high = kMaxCacheControlBytes,
         .about = "the object's `Cache-Control`, such as `max-age=86400`"}),
    option<&UploadOptions::content_disposition, check_header_value>(
        {.name = "content_disposition",
         .high = kMaxContentDispositionBytes,
         .about = "the object's `Content-Disposition`, such as `attachment; filename=\"a.mp4\"`"}),
    option<&UploadOptions::storage_class, check_storage_class>(
        {.name = "storage_class",
         .high = kMaxStorageClassBytes,
         .about = "a storage class of the store, such as `STANDARD_IA`; empty: the bucket's default"}),
    option<&UploadOptions::tags, check_tags>(
        {.name = "tags", .type = FieldType::pairs, .about = "the object's tags: names and values, at most 10"}),
    UploadField{{.name = "overwrite",
                 .type = FieldType::word,
                 .words = kOverwrites.all(),
                 .otherwise = "replace",
                 .audited = true,
                 .about = "what to do if the bucket already has an object with this key"},
                &UploadOptions::overwrite},
    option<&UploadOptions::checksum, check_checksum>(
        {.name = "checksum",
         .high = kMaxChecksumBytes,
         .about = "the checksum that the source must have: `crc32c:<base64>`, `md5:<hex>` or `sha256:<hex>`; empty: "
                  "not compared"}),
};

constexpr auto kSpecs = [] {
  std::array<FieldSpec, kFields.size()> specs;
  for (std::size_t i = 0; i < specs.size(); ++i) specs[i] = kFields[i].spec;
  return specs;
}();

json::value to_value(const std::string& text) { return json::value(text); }
json::value to_value(Overwrite overwrite) { return json::value(to_string(overwrite)); }
json::value to_value(const Metadata& pairs) { return pairs_json(pairs); }

bool read_value(const json::value& value, std::string& text) {
  if (!value.is_string()) return false;
  text = std::string(value.get_string());
  return true;
}

bool read_value(const json::value& value, Overwrite& overwrite) {
  const auto read = value.is_string() ? overwrite_from(std::string_view(value.get_string())) : std::nullopt;
  if (read) overwrite = *read;
  return read.has_value();
}

bool read_value(const json::value& value, Metadata& pairs) {
  auto read = pairs_from_json(value);
  if (read) pairs = std::move(*read);
  return read.has_value();
}

// Calls `visitor` with the field's member of `options`, when the field is an option.
template <class Options, class Visitor>
void visit_option(const UploadField& field, Options& options, Visitor visitor) {
  const auto call = [&](auto member) {
    if constexpr (std::is_invocable_v<decltype(member), UploadOptions&>) visitor(std::invoke(member, options), member);
  };
  std::visit(call, field.member);
}

}  // namespace

std::span<const UploadField> upload_fields() { return kFields; }

std::span<const FieldSpec> upload_field_specs() { return kSpecs; }

Result<UploadOptions> validate_options(UploadOptions options) {
  for (const UploadField& field : kFields) {
    if (field.check == nullptr) continue;
    if (auto checked = field.check(field.spec, options); !checked) return checked.error();
  }
  return options;
}

json::object options_json(const UploadOptions& options) {
  static const UploadOptions kDefaults;
  json::object out;
  for (const UploadField& field : kFields) {
    visit_option(field, options, [&](const auto& value, auto member) {
      if (value != kDefaults.*member) out.emplace(field.spec.name, to_value(value));
    });
  }
  return out;
}

std::optional<UploadOptions> options_from_json(const json::object& object) {
  UploadOptions options;
  bool good = true;
  for (const UploadField& field : kFields) {
    const json::value* given = object.if_contains(field.spec.name);
    if (given == nullptr) continue;
    visit_option(field, options, [&](auto& value, auto) { good = good && read_value(*given, value); });
  }
  return good ? std::optional(std::move(options)) : std::nullopt;
}

json::object pairs_json(const Metadata& pairs) {
  json::object out;
  out.reserve(pairs.size());
  for (const auto& [name, value] : pairs) out.emplace(name, value);
  return out;
}

std::optional<Metadata> pairs_from_json(const json::value& value) {
  if (!value.is_object()) return std::nullopt;
  Metadata pairs;
  for (const auto& [name, member] : value.get_object()) {
    if (!member.is_string()) return std::nullopt;
    pairs.emplace(name, std::string(member.get_string()));
  }
  return pairs;
}

}  // namespace vodlift
