#include "base/time_zone.h"

// As Debian built the library.
#define USE_OS_TZDB 1
#include <date/tz.h>
#include <fmt/format.h>

#include "base/encoding.h"

namespace vodlift {

Result<TimeZone> TimeZone::find(const std::string& name) {
  if (name == "UTC") return utc();
  try {
    return TimeZone(date::locate_zone(name));
  } catch (const std::exception&) {
    return Error{Errc::invalid_value,
                 fmt::format("there is no time zone '{}' in this machine's database (package tzdata); write it as "
                             "\"Europe/Paris\" or \"UTC\"",
                             printable(name))};
  }
}

LocalTime TimeZone::at(WallTime time) const {
  const auto* zone = static_cast<const date::time_zone*>(zone_);
  const date::local_time<std::chrono::milliseconds> local =
      zone != nullptr ? zone->to_local(time) : date::local_time<std::chrono::milliseconds>(time.time_since_epoch());
  const auto day = std::chrono::floor<date::days>(local);
  return {static_cast<int>(date::weekday(day).iso_encoding()) - 1,
          static_cast<int>(std::chrono::floor<std::chrono::minutes>(local - day).count())};
}

}  // namespace vodlift
