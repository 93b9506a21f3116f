#include "core/api_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/text.h"
#include "base/words.h"

namespace vodlift {
namespace {

constexpr std::size_t kMaxPrefixBytes = 4095;
constexpr std::size_t kMaxShownBytes = 256;

constexpr Words<Permission> kPermissions = {
    {Permission::upload, "upload"},
    {Permission::status, "status"},
    {Permission::files, "files"},
    {Permission::manage, "manage"},
};

Error bad_prefix(std::string_view text, std::string_view why) {
  return {Errc::invalid_value, fmt::format("path_prefix: \"{}\" {}; expected the beginning of source paths, such as "
                                           "\"sestore4/jb/films\"",
                                           printable(text, kMaxShownBytes), why)};
}

}  // namespace

std::string_view to_string(Permission permission) { return kPermissions.word(permission); }
std::optional<Permission> permission_from(std::string_view word) { return kPermissions.value(word); }

std::string to_string(Permissions permissions) {
  std::string out;
  for (std::size_t at = 0; at < kPermissions.kCount; ++at) {
    const auto permission = static_cast<Permission>(at);
    if (!permissions.has(permission)) continue;
    if (!out.empty()) out += ',';
    out += to_string(permission);
  }
  return out;
}

Result<Permissions> permissions_from(std::string_view list) {
  Permissions out;
  while (true) {
    const std::size_t comma = list.find(',');
    const std::string_view word = trimmed(list.substr(0, comma), " ");
    const auto permission = permission_from(word);
    if (!permission) {
      return Error{Errc::invalid_value, "permissions: \"" + printable(word, 64) +
                                            "\" is none of upload, status, files and manage (with commas between)"};
    }
    out = out.with(*permission);
    if (comma == std::string_view::npos) return out;
    list.remove_prefix(comma + 1);
  }
}

bool KeyScope::holds_path(std::string_view path) const {
  if (path_prefix.empty()) return true;
  if (!path.starts_with(path_prefix)) return false;
  return path.size() == path_prefix.size() || path[path_prefix.size()] == '/';
}

bool KeyScope::holds_bucket(std::string_view bucket) const {
  return buckets.empty() || std::ranges::find(buckets, bucket) != buckets.end();
}

bool KeyScope::holds(const UploadRequest& upload) const {
  return holds_path(upload.path) && holds_bucket(upload.bucket);
}

Result<> KeyScope::check_path(std::string_view path) const {
  if (holds_path(path)) return {};
  return Error{Errc::permission_denied,
               fmt::format("unauthorized access to this API: path: this key reaches {} and what lies beneath it only",
                           printable(path_prefix, kMaxShownBytes))};
}

Result<> KeyScope::check_bucket(std::string_view bucket) const {
  if (holds_bucket(bucket)) return {};
  return Error{Errc::permission_denied,
               fmt::format("unauthorized access to this API: bucket: this key may use {} only",
                           printable(fmt::format("{}", fmt::join(buckets, ", ")), kMaxShownBytes))};
}

std::optional<std::string_view> refusal(const ApiKey& key, WallTime now, std::string_view peer) {
  if (key.revoked) return "revoked";
  if (key.expires && now >= *key.expires) return "expired";
  if (key.networks.empty()) return std::nullopt;
  const auto address = parse_address(peer);
  const bool inside =
      address && std::ranges::any_of(key.networks, [&](const Network& network) { return network.contains(*address); });
  if (!inside) return "address";
  return std::nullopt;
}

Result<> rotate(ApiKey& key, Secret fresh, WallTime now, std::chrono::seconds overlap) {
  if (key.revoked) return Error{Errc::invalid_value, "the key is revoked; add a new one instead"};
  return replace_secret(key.secret, key.previous, std::move(fresh), now, overlap, kMaxSecretOverlap);
}

Result<std::string> normalized_path_prefix(std::string_view text, std::string_view user) {
  std::string_view rest = text;
  if (rest.ends_with('/')) rest.remove_suffix(1);
  std::string out(rest);
  if (out.size() > kMaxPrefixBytes) return bad_prefix(text, "is too long");
  if (std::ranges::any_of(out, is_control) || !is_valid_utf8(out)) {
    return bad_prefix(text, "holds a control character or is not UTF-8");
  }
  for (int number = 1;; ++number) {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    if (segment.empty()) return bad_prefix(text, "has an empty segment");
    if (segment == "." || segment == "..") return bad_prefix(text, "has a segment of dots");
    if (number == 2 && segment != user) {
      return bad_prefix(text, fmt::format("does not lie in the account's folder \"{}\"", printable(user, 64)));
    }
    if (slash == std::string_view::npos) return out;
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace vodlift
