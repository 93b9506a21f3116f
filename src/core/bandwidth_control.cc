#include "core/bandwidth_control.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/encoding.h"

namespace vodlift {

Result<> BandwidthControl::load() {
  const std::lock_guard lock(mutex_);
  return apply();
}

Result<> BandwidthControl::set(const BandwidthLimit& limit) {
  if (auto zone = TimeZone::find(limit.time_zone); !zone) return zone.error();
  const bool of_storage = limit.scope.kind == BandwidthScope::Kind::storage;
  if (of_storage && std::ranges::find(storages_, limit.scope.name) == storages_.end()) {
    return Error{Errc::not_found, fmt::format("there is no storage '{}': the configured ones are {}",
                                              printable(limit.scope.name), fmt::join(storages_, ", "))};
  }
  const std::lock_guard lock(mutex_);
  if (auto put = kept_.put(limit); !put) return put;
  return apply();
}

Result<> BandwidthControl::remove(const BandwidthScope& scope) {
  const std::lock_guard lock(mutex_);
  if (auto removed = kept_.remove(scope); !removed) return removed;
  return apply();
}

Result<> BandwidthControl::apply() {
  auto limits = kept_.list();
  if (!limits) return limits.error();
  live_.set(*limits);
  return {};
}

}  // namespace vodlift
