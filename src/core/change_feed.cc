#include "core/change_feed.h"

#include <mutex>
#include <utility>

namespace vodlift {

ChangeFeed::Subscription LocalChangeFeed::subscribe(Change::Kind kind, Listener listener) {
  auto kept = std::make_shared<Listener>(std::move(listener));
  ++followers_.at(static_cast<std::size_t>(kind));
  const std::unique_lock lock(mutex_);
  const auto at = listeners_.emplace(kind, kept);
  return {kept.get(), [this, at, kind](Listener*) {
            --followers_.at(static_cast<std::size_t>(kind));
            const std::unique_lock ending(mutex_);
            listeners_.erase(at);
          }};
}

void LocalChangeFeed::publish(const Change& change) {
  const std::shared_lock lock(mutex_);
  const auto [first, last] = listeners_.equal_range(change.kind);
  for (auto at = first; at != last; ++at) (*at->second)(change);
}

}  // namespace vodlift
