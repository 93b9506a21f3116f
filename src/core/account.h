// An account: a customer with a folder on each storage.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/secret.h"
#include "core/fair_share.h"
#include "core/upload.h"

namespace vodlift {

struct Account {
  AccountId cdn = 0;
  std::string user;       // the name of the account's folder on each storage
  Secret webhook_secret;  // "whsec_" and the base64 of 32 bytes
  WallTime created;
  int weight = kDefaultWeight;  // its share when several accounts have uploads waiting; 1..kMaxWeight
  std::int64_t version = 0;     // of the row; see AccountRepository
};

// A new webhook secret: "whsec_" and the base64 of 32 random bytes, the format of Standard Webhooks. Any thread.
Secret make_webhook_secret();

}  // namespace vodlift
