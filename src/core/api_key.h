// An API key: its secrets, what it may do, from where, and until when.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/network.h"
#include "base/secret.h"
#include "core/secret_rotation.h"
#include "core/upload.h"

namespace vodlift {

// What a key may do. Spelled alike in the database, the command line and docs/api.md.
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
  constexpr Permissions without(Permission permission) const {
    return Permissions(static_cast<std::uint8_t>(bits_ & ~bit(permission)));
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

// The part of its account that a key reaches. The key cannot queue, show or manage anything outside of it.
struct KeyScope {
  std::string path_prefix;           // of source paths, "sestore4/jb/films", whole segments; empty: all
  std::vector<std::string> buckets;  // empty: all

  // Whether `path` is the prefix or lies below it.
  [[nodiscard]] bool holds_path(std::string_view path) const;
  [[nodiscard]] bool holds_bucket(std::string_view bucket) const;
  [[nodiscard]] bool holds(const UploadRequest& upload) const;

  // The same checks. The error says what the key reaches. Errors: permission_denied.
  [[nodiscard]] Result<> check_path(std::string_view path) const;
  [[nodiscard]] Result<> check_bucket(std::string_view bucket) const;

  bool operator==(const KeyScope&) const = default;
};

struct ApiKey {
  std::int64_t id = 0;
  AccountId cdn = 0;
  std::string api_key;
  Secret secret;
  WallTime created;
  std::optional<WallTime> revoked;
  Permissions permissions = Permissions::all();
  KeyScope scope{};
  std::vector<Network> networks{};    // requests may come from; empty: from anywhere
  std::optional<WallTime> expires{};  // refused from then on
  std::optional<PreviousSecret> previous{};
  std::optional<WallTime> last_used{};  // when it last signed a request; some minutes late, never early
  std::int64_t version = 0;             // of the row; see AccountRepository
  std::optional<WallTime> removing{};   // since when nothing new is accepted for it (core/removal.h); nothing: it stays
};

// A key signed a request at this time.
struct KeyUse {
  std::int64_t key_id = 0;
  WallTime when;
};

inline constexpr std::size_t kMaxKeyBuckets = 100;
inline constexpr std::size_t kMaxKeyNetworks = 100;
inline constexpr std::chrono::seconds kMaxSecretOverlap = std::chrono::days(90);

// Why the key may not be used now, as a word for logs ("revoked", "expired", "address"); nothing if it may be used.
// `peer` is the client's address as text. A text that is not an address lies in no network.
std::optional<std::string_view> refusal(const ApiKey& key, WallTime now, std::string_view peer);

// Gives the key a new secret, as replace_secret() does with kMaxSecretOverlap. Errors: its, and invalid_value (the key
// is revoked).
Result<> rotate(ApiKey& key, Secret fresh, WallTime now, std::chrono::seconds overlap);

// The one form of a prefix that an operator wrote, with or without "/" at its end. Errors: invalid_value (an empty
// segment, "." or "..", a control character, more than 4,095 bytes, or a second segment that is not the account's user,
// because no source path begins like that).
Result<std::string> normalized_path_prefix(std::string_view text, std::string_view user);

}  // namespace vodlift
