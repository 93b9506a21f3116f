// Port: how the database is doing, for those who look after the server.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace vodlift {

struct StoreHealth {
  // What its disk has left for us; nothing is known: the largest number.
  std::int64_t free_bytes = std::numeric_limits<std::int64_t>::max();
  [[nodiscard]] bool knows_room() const { return free_bytes != std::numeric_limits<std::int64_t>::max(); }
  bool disk_full = false;  // it was full, and new uploads are refused until there is room again
  // Since when changes are refused, all of them since then; nothing: the last one was made.
  std::optional<std::chrono::seconds> refuses_for{};
  std::string why{};  // it refuses them; empty: the log tells
  // How long the change that is under way has taken so far: a disk that hangs. 0: it is not one second.
  std::chrono::seconds busy_for{0};
  int damaged = 0;  // tables and indexes that the last check found damaged and that stay so
};

class StoreMonitor {
 public:
  StoreMonitor() = default;
  StoreMonitor(const StoreMonitor&) = delete;
  StoreMonitor& operator=(const StoreMonitor&) = delete;
  virtual ~StoreMonitor() = default;

  // Any thread; waits for no change of the database. Asks the file system for its free space.
  [[nodiscard]] virtual StoreHealth look() const = 0;
};

}  // namespace vodlift
