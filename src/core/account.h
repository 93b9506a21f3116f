// An account: a customer with a folder on each storage.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/secret.h"
#include "core/callback_sender.h"
#include "core/fair_share.h"
#include "core/upload.h"

namespace vodlift {

struct Account {
  AccountId cdn = 0;
  std::string user;       // the name of the account's folder on each storage
  Secret webhook_secret;  // "whsec_" and the base64 of 32 bytes
  WallTime created;
  int weight = kDefaultWeight;  // its share when several accounts have uploads waiting; 1..kMaxWeight
  int uploads_at_once = 0;      // that may run, 1..kMaxUploadsAtOnce; 0: as many as there are places
  std::int64_t version = 0;     // of the row; see AccountRepository
  std::optional<PreviousSecret> previous_webhook_secret{};  // signs callbacks too, while it counts
  CallbackFormat callback_format = CallbackFormat::json;
  bool https_only = false;             // new uploads may have callbacks to https URLs only
  std::optional<WallTime> removing{};  // since when nothing new is accepted for it (core/removal.h); nothing: it stays
};

inline constexpr std::chrono::seconds kMaxWebhookOverlap = std::chrono::days(30);

// A callback of the account, signed with its secrets.
CallbackMessage callback_message(const Account& account, std::string url, std::string webhook_id, std::string body);

// Whether the account takes callbacks to this URL, which parse_callback_url() has completed. Errors: invalid_value.
Result<> check_callback(const Account& account, std::string_view url);

// A new webhook secret: "whsec_" and the base64 of 32 random bytes, the format of Standard Webhooks. Any thread.
Secret make_webhook_secret();

}  // namespace vodlift
