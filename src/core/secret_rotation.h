// Replacing a secret that others hold: for a while the old one counts beside the new one.
#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"

namespace vodlift {

struct PreviousSecret {
  Secret secret;
  WallTime until;  // it does not count from then on
};

// The replaced secret while it counts; null otherwise.
const Secret* previous_secret(const std::optional<PreviousSecret>& previous, WallTime now);

// Puts `fresh` in the place of `secret`, which counts for `overlap` more (0: not at all). A secret that was replaced
// earlier does not count any more. Errors: invalid_value (`overlap` is negative or above `most`; or above 0 while the
// overlap of an earlier replacement lasts, because the older secret would end at once).
Result<> replace_secret(Secret& secret, std::optional<PreviousSecret>& previous, Secret fresh, WallTime now,
                        std::chrono::seconds overlap, std::chrono::seconds most);

}  // namespace vodlift
