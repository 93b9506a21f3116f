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
#include "core/permission.h"
#include "core/upload.h"

namespace vodlift {

// The part of its account that a key reaches. What lies outside can neither be queued nor seen nor managed with it.
struct KeyScope {
  std::string path_prefix;           // of source paths, "sestore4/jb/films", whole segments; empty: all
  std::vector<std::string> buckets;  // empty: all

  // The prefix itself, and what lies beneath it.
  [[nodiscard]] bool holds_path(std::string_view path) const;
  [[nodiscard]] bool holds_bucket(std::string_view bucket) const;
  [[nodiscard]] bool holds(const UploadRequest& upload) const;

  // The same as a failure that tells the client where it may go. Errors: permission_denied.
  [[nodiscard]] Result<> check_path(std::string_view path) const;
  [[nodiscard]] Result<> check_bucket(std::string_view bucket) const;

  bool operator==(const KeyScope&) const = default;
};

// A secret that was replaced, and is still good for a while.
struct PreviousSecret {
  Secret secret;
  WallTime until;  // refused from then on
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
  std::optional<WallTime> last_used{};  // of the last signed request; some minutes late, never early
  std::int64_t version = 0;             // of the row; see AccountRepository
};

// A key signed a request at this time.
struct KeyUse {
  std::int64_t key_id = 0;
  WallTime when;
};

inline constexpr std::size_t kMaxKeyBuckets = 100;
inline constexpr std::size_t kMaxKeyNetworks = 100;
inline constexpr std::chrono::seconds kMaxSecretOverlap = std::chrono::days(90);

// Why no request may be made with the key, in a word for logs ("revoked", "expired", "address"); nothing when it may.
// `peer` is the client's address as text; a text that is none lies in no network.
std::optional<std::string_view> refusal(const ApiKey& key, WallTime now, std::string_view peer);

// The replaced secret, while it is good; null otherwise.
const Secret* previous_secret(const ApiKey& key, WallTime now);

// Gives the key a new secret; the one it had stays good for `overlap` (0: not at all), and no older one does.
// Errors: invalid_value (the key is revoked; an overlap that is negative or above kMaxSecretOverlap; or one above 0
// while that of an earlier rotation lasts, because the secret before would end at once).
Result<> rotate(ApiKey& key, Secret fresh, WallTime now, std::chrono::seconds overlap);

// A prefix as operators may write it, with or without "/" at the end, in its one form. Errors: invalid_value (an empty
// segment, "." or "..", a control character, above 4,095 bytes, or a second segment other than the account's user: no
// source path begins so).
Result<std::string> normalized_path_prefix(std::string_view text, std::string_view user);

}  // namespace vodlift
