// Log lines from threads that must not wait for whoever reads the log.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string_view>

#include "base/log.h"

namespace vodlift::log {

inline constexpr std::size_t kMaxLateBytes = std::size_t{1024} * 1024;  // that wait to be written

// Like info(), but another thread writes the line, within some milliseconds and before any line of event() that comes
// later. Those that wait when the process ends normally are written then. If standard error takes nothing while
// kMaxLateBytes wait, those are lost, and a warning says how many lines they were. Any thread; never throws, never
// blocks.
void info_late(std::string_view message, std::initializer_list<Field> fields) noexcept;

}  // namespace vodlift::log
