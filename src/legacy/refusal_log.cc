#include "legacy/refusal_log.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace vodlift::legacy {

void RefusalLog::note(std::string_view reason, std::string_view peer, std::int64_t key_id,
                      std::chrono::steady_clock::time_point now) {
  std::int64_t count = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(
        entries_, [&](const Entry& entry) { return entry.reason.empty() || entry.reason == reason; });
    Entry& entry = found == entries_.end() ? entries_.back() : *found;
    if (entry.reason.empty()) entry.reason = reason;
    ++entry.untold;
    if (now < entry.next) return;
    entry.next = now + kEvery;
    count = std::exchange(entry.untold, 0);
  }
  log::warn("requests were refused", {{"reason", reason}, {"count", count}, {"last_from", peer}, {"last_key", key_id}});
}

}  // namespace vodlift::legacy
