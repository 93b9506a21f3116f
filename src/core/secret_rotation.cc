#include "core/secret_rotation.h"

#include <fmt/format.h>

#include <utility>

namespace vodlift {

const Secret* previous_secret(const std::optional<PreviousSecret>& previous, WallTime now) {
  return previous && now < previous->until ? &previous->secret : nullptr;
}

Result<> replace_secret(Secret& secret, std::optional<PreviousSecret>& previous, Secret fresh, WallTime now,
                        std::chrono::seconds overlap, std::chrono::seconds most) {
  if (overlap < std::chrono::seconds::zero() || overlap > most) {
    return Error{Errc::invalid_value,
                 fmt::format("overlap_s: expected 0 to {} ({} days), found {}", most.count(),
                             std::chrono::floor<std::chrono::days>(most).count(), overlap.count())};
  }
  const bool keeps = overlap > std::chrono::seconds::zero();
  if (keeps && previous_secret(previous, now) != nullptr) {
    return Error{
        Errc::invalid_value,
        fmt::format("the overlap of an earlier rotation lasts {} s more, and there are two secrets at most; wait for "
                    "its end, or give an overlap of 0 to end every older secret now",
                    (to_unix_ms(previous->until) - to_unix_ms(now) + 999) / 1000)};
  }
  Secret replaced = std::exchange(secret, std::move(fresh));
  previous.reset();
  if (keeps) previous = PreviousSecret{std::move(replaced), now + overlap};
  return {};
}

}  // namespace vodlift
