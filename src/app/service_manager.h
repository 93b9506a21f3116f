// What the daemon and systemd tell each other: readiness, a status line, signs of life, and sockets that it holds.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"

namespace vodlift::app {

// Without a service manager nothing of this has an effect. One thread.
class ServiceManager {
 public:
  // Takes the sockets that were passed on, and the interval of WatchdogSec=. Call before any other thread exists: it
  // changes the environment.
  ServiceManager();

  // The listening socket that was passed with this name ([Socket] FileDescriptorName=); the caller owns it then. With a
  // name of its own no socket is needed: one that is passed alone is that of the API. Not valid: there is none.
  UniqueFd take_socket(std::string_view name);
  // The names of sockets that nobody has taken.
  [[nodiscard]] std::string sockets_left() const;

  void ready();
  void reloading();
  void stopping();
  // One line for `systemctl status`. Any thread.
  static void status(std::string_view text);
  // A sign of life, as often as WatchdogSec= wants it: at half of its time. To be called every second or so.
  void alive();

 private:
  std::map<std::string, UniqueFd, std::less<>> sockets_;
  std::chrono::microseconds watchdog_{0};  // 0: nobody waits for signs of life
  std::chrono::steady_clock::time_point alive_due_;
};

}  // namespace vodlift::app
