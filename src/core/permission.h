// What an API key may do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace vodlift {

// Spelled alike in the database, the command line and docs/api.md.
enum class Permission : std::uint8_t {
  upload,  // queue uploads
  status,  // see uploads
  files,   // see storages and source files
  manage,  // cancel, pause and resume uploads
};

std::string_view to_string(Permission permission);  // "upload"
std::optional<Permission> permission_from(std::string_view word);

// A set of permissions. A plain value.
class Permissions {
 public:
  constexpr Permissions() = default;  // none
  static constexpr Permissions all() { return Permissions(0x0F); }

  constexpr Permissions with(Permission permission) const {
    return Permissions(static_cast<std::uint8_t>(bits_ | bit(permission)));
  }
  [[nodiscard]] constexpr bool has(Permission permission) const { return (bits_ & bit(permission)) != 0; }
  bool operator==(const Permissions&) const = default;

 private:
  constexpr explicit Permissions(std::uint8_t bits) : bits_(bits) {}
  static constexpr unsigned bit(Permission permission) { return 1U << static_cast<unsigned>(permission); }

  std::uint8_t bits_ = 0;
};

// "upload,status", in the enum's order; empty for none.
std::string to_string(Permissions permissions);
// Reads such a list; spaces around a word and words that are there twice do no harm. Errors: invalid_value (an unknown
// word, or no word at all).
Result<Permissions> permissions_from(std::string_view list);

}  // namespace vodlift
