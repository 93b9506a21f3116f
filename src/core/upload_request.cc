#include "core/upload_request.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "base/text.h"
#include "core/callback_url.h"
#include "core/field_spec.h"
#include "core/upload_fields.h"

namespace vodlift {
namespace {

constexpr std::size_t kMaxSegmentBytes = 255;  // of a file name on every file system in use
constexpr std::size_t kMaxMetadataPairs = 100;
constexpr std::string_view kReservedMetadataName = "vodlift-upload";
// S3 counts the server's own entry as well: its name and a token of 32 hex digits.
constexpr std::size_t kOwnMetadataBytes = kReservedMetadataName.size() + 32;
constexpr std::size_t kMaxShownBytes = 100;

// Calls `check` with each part of `text` between slashes until one call gives an error.
template <class Check>
Result<> for_each_segment(std::string_view text, Check check) {
  while (true) {
    const std::size_t slash = text.find('/');
    if (Result<> checked = check(text.substr(0, slash)); !checked) return checked;
    if (slash == std::string_view::npos) return {};
    text.remove_prefix(slash + 1);
  }
}

Result<> check_destination(std::string_view key) {
  constexpr std::string_view kField = "destination_path";
  if (key.empty()) return invalid_field(kField, "is empty; give the object's folders and file name");
  if (key.size() > kMaxKeyBytes) return field_too_long(kField, key.size(), kMaxKeyBytes);
  if (!is_valid_utf8(key)) return invalid_field(kField, "is not valid UTF-8");
  if (has_control(key)) return invalid_field(kField, "control characters are not allowed");
  if (key.back() == '/') return invalid_field(kField, "ends with /; name the object, not only its folder");
  // S3 accepts these two, but libraries and proxies on the way remove them, and then the key names another object.
  return for_each_segment(key, [&](std::string_view segment) -> Result<> {
    if (segment == "." || segment == "..") return invalid_field(kField, "the parts . and .. are not allowed");
    return {};
  });
}

// Bytes of `value` in the header: non-ASCII text is sent as RFC 2047 words in base64, each of at most 45 bytes of whole
// characters.
std::size_t bytes_as_sent(std::string_view value) {
  if (is_ascii(value)) return value.size();
  constexpr std::size_t kMaxWordBytes = 45;
  constexpr std::size_t kFrameBytes = 12;  // of "=?UTF-8?B?" and "?="
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  std::size_t bytes = 0;
  for (std::size_t at = 0; at < value.size();) {
    std::size_t end = std::min(at + kMaxWordBytes, value.size());
    while (end < value.size() && continues(value[end])) --end;
    bytes += (end - at + 2) / 3 * 4 + kFrameBytes + (at == 0 ? 0 : 1);
    at = end;
  }
  return bytes;
}

Error invalid_pair(std::string_view name, std::string_view why) {
  return invalid_field("metadata." + printable(name, kMaxShownBytes), why);
}

Result<std::string> check_metadata_name(std::string_view name) {
  if (name.empty()) return invalid_field("metadata", "a name is empty");
  if (!std::ranges::all_of(name, is_token_char)) {
    return invalid_pair(name, "a name may hold only letters, digits and !#$%&'*+-.^_`|~");
  }
  std::string lower = to_lower(name);
  if (lower == kReservedMetadataName) return invalid_pair(name, "this name is reserved for the server");
  if (lower.starts_with("x-amz-")) {
    return invalid_pair(
        name, "names beginning with x-amz- are reserved for S3; give the name without a prefix, which is added");
  }
  return lower;
}

Result<Metadata> check_metadata(const Metadata& metadata) {
  if (metadata.size() > kMaxMetadataPairs) {
    return invalid_field("metadata", std::to_string(metadata.size()) + " pairs; at most 100 are allowed");
  }
  Metadata checked;
  std::size_t bytes = kOwnMetadataBytes;
  for (const auto& [name, value] : metadata) {
    auto lower = check_metadata_name(name);
    if (!lower) return lower.error();
    if (!is_valid_utf8(value)) return invalid_pair(name, "is not valid UTF-8");
    if (has_control(value)) return invalid_pair(name, "line breaks and control characters are not allowed");
    const std::string_view kept = trimmed(value, " ");
    bytes += lower->size() + bytes_as_sent(kept);
    if (!checked.emplace(std::move(*lower), kept).second) {
      return invalid_pair(name, "occurs twice; S3 does not distinguish upper and lower case in names");
    }
  }
  if (bytes > kMaxMetadataBytes) {
    return invalid_field("metadata", std::to_string(bytes) + " bytes as sent to S3, the server's own " +
                                         std::to_string(kOwnMetadataBytes) + " included; at most " +
                                         std::to_string(kMaxMetadataBytes) + " are allowed");
  }
  return checked;
}

bool looks_like_ipv4(std::string_view name) {
  return name.find('.') != std::string_view::npos &&
         std::ranges::all_of(name, [](char c) { return c == '.' || is_digit(c); });
}

// The rules for the path of a file and of a folder.
Result<> check_path(std::string_view path) {
  constexpr std::string_view kField = "path";
  if (path.size() > kMaxPathBytes) return field_too_long(kField, path.size(), kMaxPathBytes);
  if (path.find('\0') != std::string_view::npos) return invalid_field(kField, "NUL is not allowed");
  if (!is_valid_utf8(path)) return invalid_field(kField, "is not valid UTF-8");
  if (path.substr(0, path.find('/')) == "sestore{#}") {
    return Error{Errc::storage_unavailable,
                 "path: sestore{#} is a placeholder; files.getstorage lists the storages of this account"};
  }
  if (path.starts_with('/')) {
    return invalid_field(kField,
                         "is a path of a disk; give storage/user/file, such as sestore4/jb/film.mp4, where the "
                         "storage is one of files.getstorage");
  }
  return for_each_segment(path, [&](std::string_view segment) -> Result<> {
    if (segment.empty()) return invalid_field(kField, "has an empty part: it ends with / or holds //");
    if (segment == "." || segment == "..") return invalid_field(kField, "the parts . and .. are not allowed");
    if (segment.size() > kMaxSegmentBytes) return invalid_field(kField, "a part is longer than 255 bytes");
    return {};
  });
}

}  // namespace

Result<> check_bucket_name(std::string_view name) {
  constexpr std::string_view kField = "bucket";
  if (name.size() < 3 || name.size() > kMaxBucketBytes)
    return invalid_field(kField, "a bucket's name has 3 to 255 characters");
  // Ceph puts a tenant and a colon before the name. A number there would be the port of a host.
  const std::size_t colon = name.find(':');
  for (const char c : name) {
    if (!is_alnum(c) && c != '.' && c != '_' && c != '-' && c != ':') {
      return invalid_field(
          kField, "a bucket's name may hold only letters, digits, '.', '_' and '-', and one ':' after a tenant's name");
    }
  }
  // Names of old buckets begin and end with _ too, and end with -.
  if ((!is_alnum(name.front()) && name.front() != '_') || name.back() == '.' || name.back() == ':') {
    return invalid_field(kField, "a bucket's name begins with a letter, a digit or _, and does not end with '.'");
  }
  const bool second_colon = colon != std::string_view::npos && name.find(':', colon + 1) != std::string_view::npos;
  if (second_colon) return invalid_field(kField, "a bucket's name holds one ':' at most, after a tenant's name");
  const bool port = colon != std::string_view::npos && std::ranges::all_of(name.substr(colon + 1), is_digit);
  if (port) return invalid_field(kField, "a bucket's name cannot look like a host and a port");
  if (name.find("..") != std::string_view::npos)
    return invalid_field(kField, "a bucket's name cannot hold two dots in a row");
  if (looks_like_ipv4(name)) return invalid_field(kField, "a bucket's name cannot look like an IP address");
  if (name.ends_with("--x-s3")) return invalid_field(kField, "directory buckets (--x-s3) are not supported");
  return {};
}

Result<SourcePath> parse_source_path(std::string_view path) {
  if (path.empty()) return invalid_field("path", "is empty; give storage/user/file");
  if (auto checked = check_path(path); !checked) return checked.error();
  const std::size_t user_at = path.find('/') + 1;
  const std::size_t file_at = user_at == 0 ? 0 : path.find('/', user_at) + 1;
  if (file_at == 0) return invalid_field("path", "has no file; give storage/user/file");
  return SourcePath{std::string(path.substr(0, user_at - 1)), std::string(path.substr(user_at, file_at - 1 - user_at)),
                    std::string(path.substr(file_at))};
}

Result<SourcePath> parse_folder_path(std::string_view path) {
  if (path.empty()) return invalid_field("path", "is empty; give storage/user, or a folder below it");
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (auto checked = check_path(path); !checked) return checked.error();
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos)
    return invalid_field("path", "has no user; give storage/user, or a folder below it");
  const std::size_t end = std::min(path.find('/', slash + 1), path.size());
  return SourcePath{std::string(path.substr(0, slash)), std::string(path.substr(slash + 1, end - slash - 1)),
                    std::string(path.substr(std::min(end + 1, path.size())))};
}

Result<UploadRequest> validate(UploadRequest request, std::string_view user) {
  const auto source = parse_source_path(request.path);
  if (!source) return source.error();
  // Reported as a missing file, so that nobody learns which files another account has.
  if (source->user != user) {
    return Error{Errc::source_not_found, "file " + printable(request.path) + " does not exist"};
  }
  if (auto key = check_destination(request.destination_path); !key) return key.error();
  if (auto bucket = check_bucket_name(request.bucket); !bucket) return bucket.error();
  auto metadata = check_metadata(request.metadata);
  if (!metadata) return metadata.error();
  request.metadata = std::move(*metadata);
  if (!request.callback.empty()) {
    auto callback = parse_callback_url(request.callback);
    if (!callback) return callback.error();
    request.callback = std::move(callback->url);
  }
  if (request.priority < 0 || request.priority > kMaxPriority) {
    return invalid_field("priority", std::to_string(request.priority) + "; 0 to 9 are allowed, 9 is sent first");
  }
  auto options = validate_options(std::move(request.options));
  if (!options) return options.error();
  request.options = std::move(*options);
  return request;
}

}  // namespace vodlift
