#include "app/service_manager.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "base/encoding.h"

namespace vodlift::app {
namespace {

// sd_listen_fds_with_names() writes it where the unit names none.
constexpr std::string_view kUnnamed = "unknown";
constexpr std::string_view kApi = "api";
constexpr std::size_t kMaxStatusBytes = 256;

void tell(const std::string& text) {
  // Nobody waits for it, or it cannot be told: nothing depends on it.
  [[maybe_unused]] const int told = ::sd_notify(0, text.c_str());
}

}  // namespace

ServiceManager::ServiceManager() {
  char** names = nullptr;
  const int count = ::sd_listen_fds_with_names(1, &names);
  for (int at = 0; at < count; ++at) {
    std::string name = names[at] == nullptr ? std::string(kUnnamed) : names[at];
    // The name of the unit stands where it gives no other.
    if (count == 1 && (name == kUnnamed || name.ends_with(".socket"))) name = kApi;
    sockets_.try_emplace(name, UniqueFd(SD_LISTEN_FDS_START + at));
    std::free(names[at]);
  }
  std::free(names);
  std::uint64_t interval = 0;
  if (::sd_watchdog_enabled(1, &interval) > 0) watchdog_ = std::chrono::microseconds(interval);
}

UniqueFd ServiceManager::take_socket(std::string_view name) {
  const auto at = sockets_.find(name);
  if (at == sockets_.end()) return {};
  UniqueFd socket = std::move(at->second);
  sockets_.erase(at);
  return socket;
}

std::string ServiceManager::sockets_left() const {
  std::string names;
  for (const auto& [name, socket] : sockets_) names += (names.empty() ? "" : ", ") + name;
  return names;
}

void ServiceManager::ready() { tell("READY=1"); }

void ServiceManager::reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  constexpr std::int64_t kMicro = 1'000'000;
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", std::int64_t{now.tv_sec} * kMicro + now.tv_nsec / 1000));
}

void ServiceManager::stopping() { tell("STOPPING=1"); }

void ServiceManager::status(std::string_view text) { tell(fmt::format("STATUS={}", printable(text, kMaxStatusBytes))); }

void ServiceManager::alive() {
  const auto now = std::chrono::steady_clock::now();
  if (watchdog_.count() == 0 || now < alive_due_) return;
  alive_due_ = now + watchdog_ / 2;
  tell("WATCHDOG=1");
}

}  // namespace vodlift::app
