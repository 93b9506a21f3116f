// Local time in a time zone.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"

namespace vodlift {

struct LocalTime {
  int weekday = 0;  // 0: Monday … 6: Sunday
  int minute = 0;   // of the day, 0..1439
};

// A time zone of the system's database (tzdata), with its daylight saving. Immutable; any thread.
class TimeZone {
 public:
  // `name` as the database has it: "Europe/Paris"; "UTC" needs no database. Errors: invalid_value.
  static Result<TimeZone> find(const std::string& name);

  static TimeZone utc() { return TimeZone(nullptr); }

  [[nodiscard]] LocalTime at(WallTime time) const;

 private:
  explicit TimeZone(const void* zone) : zone_(zone) {}

  const void* zone_;  // lives as long as the process; null: UTC
};

}  // namespace vodlift
