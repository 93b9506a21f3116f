#include "core/permission.h"

#include "base/encoding.h"
#include "base/text.h"
#include "base/words.h"

namespace vodlift {
namespace {

constexpr Words<Permission> kWords = {
    {Permission::upload, "upload"},
    {Permission::status, "status"},
    {Permission::files, "files"},
    {Permission::manage, "manage"},
};

}  // namespace

std::string_view to_string(Permission permission) { return kWords.word(permission); }
std::optional<Permission> permission_from(std::string_view word) { return kWords.value(word); }

std::string to_string(Permissions permissions) {
  std::string out;
  for (std::size_t at = 0; at < kWords.kCount; ++at) {
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

}  // namespace vodlift
