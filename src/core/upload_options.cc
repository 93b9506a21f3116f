#include "core/upload_options.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.h"
#include "base/text.h"
#include "base/words.h"

namespace vodlift {
namespace {

constexpr std::size_t kMaxShownBytes = 100;

using Algorithm = ExpectedChecksum::Algorithm;

constexpr Words<Algorithm> kAlgorithms = {
    {Algorithm::crc32c, "crc32c"},
    {Algorithm::md5, "md5"},
    {Algorithm::sha256, "sha256"},
};
constexpr std::array<std::size_t, kAlgorithms.kCount> kDigestBytes = {4, 16, 32};  // in the enum's order

std::size_t utf16_units(std::string_view utf8) {
  std::size_t units = 0;
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80) ++units;  // the first byte of a character
    if (byte >= 0xF0) ++units;           // of one that takes two units
  }
  return units;
}

// S3 takes letters, digits and spaces of any script, and these characters.
bool may_be_in_tag(char c) {
  return static_cast<unsigned char>(c) >= 0x80 || is_alnum(c) ||
         std::string_view(" +-=._:/@").find(c) != std::string_view::npos;
}

Result<> check_tag(std::string_view field, std::string_view name, std::string_view value) {
  if (name.empty()) return invalid_field(field, "a name is empty");
  const std::string shown = std::string(field) + "." + printable(name, kMaxShownBytes);
  if (!is_valid_utf8(name) || !is_valid_utf8(value)) return invalid_field(shown, "is not valid UTF-8");
  if (!std::ranges::all_of(name, may_be_in_tag) || !std::ranges::all_of(value, may_be_in_tag)) {
    return invalid_field(shown, "names and values of tags may hold only letters, digits, spaces and + - = . _ : / @");
  }
  if (name.starts_with("aws:")) return invalid_field(shown, "names beginning with aws: are reserved for S3");
  if (utf16_units(name) > kMaxTagNameUnits) {
    return invalid_field(shown, "the name has more than " + std::to_string(kMaxTagNameUnits) + " characters");
  }
  if (utf16_units(value) > kMaxTagValueUnits) {
    return invalid_field(shown, "the value has more than " + std::to_string(kMaxTagValueUnits) + " characters");
  }
  return {};
}

}  // namespace

Result<> check_header_value(const FieldSpec& spec, std::string& value) {
  const auto limit = static_cast<std::size_t>(spec.high);
  if (value.size() > limit) return field_too_long(spec.name, value.size(), limit);
  if (has_control(value)) return invalid_field(spec.name, "line breaks and control characters are not allowed");
  if (!is_ascii(value)) {
    return invalid_field(spec.name, spec.name == "content_disposition"
                                        ? "only ASCII is allowed; give other names as filename*=UTF-8''… (RFC 6266)"
                                        : "only ASCII is allowed");
  }
  value = std::string(trimmed(value, " "));
  return {};
}

Result<> check_content_type(const FieldSpec& spec, std::string& value) {
  if (auto checked = check_header_value(spec, value); !checked) return checked;
  if (value.empty()) return {};
  const std::string_view essence = trimmed(std::string_view(value).substr(0, value.find(';')), " ");
  const std::size_t slash = essence.find('/');
  const bool right = slash != std::string_view::npos && slash > 0 && slash + 1 < essence.size() &&
                     std::ranges::all_of(essence.substr(0, slash), is_token_char) &&
                     std::ranges::all_of(essence.substr(slash + 1), is_token_char);
  if (right) return {};
  return invalid_field(spec.name, "is not a media type; write one such as video/mp4 or text/plain; charset=utf-8");
}

Result<> check_storage_class(const FieldSpec& spec, const std::string& value) {
  const auto limit = static_cast<std::size_t>(spec.high);
  if (value.size() > limit) return field_too_long(spec.name, value.size(), limit);
  // The names are not checked against a list: S3-compatible stores have storage classes of their own.
  const auto is_right = [](char c) { return is_alnum(c) || c == '_' || c == '-'; };
  if (std::ranges::all_of(value, is_right)) return {};
  return invalid_field(spec.name, "may hold only letters, digits, _ and -, as in STANDARD_IA");
}

Result<> check_tags(const FieldSpec& spec, const Metadata& tags) {
  if (tags.size() > kMaxTags) {
    return invalid_field(spec.name,
                         std::to_string(tags.size()) + " tags; at most " + std::to_string(kMaxTags) + " are allowed");
  }
  for (const auto& [name, value] : tags) {
    if (auto checked = check_tag(spec.name, name, value); !checked) return checked;
  }
  return {};
}

Result<> check_checksum(const FieldSpec& spec, std::string& value) {
  if (value.empty()) return {};
  const auto parsed = parse_checksum(value);
  if (!parsed) {
    return invalid_field(spec.name,
                         "must be crc32c: and 8 characters of base64, md5: and 32 hex digits, or sha256: and 64 hex "
                         "digits");
  }
  value = parsed->text();
  return {};
}

std::string ExpectedChecksum::text() const { return std::string(kAlgorithms.word(algorithm)) + ":" + digest; }

std::optional<ExpectedChecksum> parse_checksum(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto algorithm = kAlgorithms.value(text.substr(0, colon));
  if (colon == std::string_view::npos || !algorithm) return std::nullopt;
  const std::string_view digest = text.substr(colon + 1);
  const bool in_base64 = *algorithm == Algorithm::crc32c;
  const auto bytes = in_base64 ? from_base64(digest) : from_hex(digest);
  if (!bytes || bytes->size() != kDigestBytes.at(static_cast<std::size_t>(*algorithm))) return std::nullopt;
  return ExpectedChecksum{*algorithm, in_base64 ? to_base64(bytes_of(*bytes)) : to_hex(bytes_of(*bytes))};
}

}  // namespace vodlift
