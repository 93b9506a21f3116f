#include "core/key_usage.h"

#include <algorithm>
#include <vector>

namespace vodlift {

void KeyUsage::note(std::int64_t key_id, WallTime when) {
  const std::lock_guard lock(mutex_);
  WallTime& last = noted_[key_id];
  last = std::max(last, when);
}

Result<> KeyUsage::flush() {
  std::vector<KeyUse> uses;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key_id, when] : noted_) uses.push_back({key_id, when});
    noted_.clear();
  }
  if (uses.empty()) return {};
  auto written = accounts_.record_key_uses(uses);
  if (!written) {
    for (const KeyUse& use : uses) note(use.key_id, use.when);
  }
  return written;
}

}  // namespace vodlift
