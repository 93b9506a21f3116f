// What the operator is told unasked, and the port to what tells it.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/words.h"
#include "core/upload.h"

namespace vodlift {

// One thing that needs a person, as it is now.
struct AlertCause {
  std::string key{};       // the same for as long as it is the same thing, also after a restart
  std::string code{};      // "storage_gone"
  std::string severity{};  // "critical", "warning", or "info" of what is no trouble
  std::string title{};     // one sentence
  std::string detail{};
  std::string fix{};  // what to do
  std::optional<WallTime> since{};
  std::optional<std::int64_t> affected{};  // uploads or callbacks that wait for it
  AccountId cdn = 0;                       // 0: of no account, or of several
  std::string bucket{};                    // where it is about one; likewise the next two
  std::string storage{};
  std::string receiver{};
};

enum class AlertState {
  first,
  repeated,  // it lasts
  resolved,
  more,  // stands for several that would have been a flood
  test,
  digest,  // of a day
};
inline constexpr Words<AlertState> kAlertStates = {
    {AlertState::first, "first"}, {AlertState::repeated, "repeated"}, {AlertState::resolved, "resolved"},
    {AlertState::more, "more"},   {AlertState::test, "test"},         {AlertState::digest, "digest"},
};

struct AlertMessage {
  AlertState state = AlertState::first;
  AlertCause cause{};
  WallTime at{};
  std::string id{};               // unique, the same at each try to deliver it
  boost::json::object figures{};  // of a digest
};

struct OpenAlert {
  AlertCause cause;
  WallTime opened{};  // when it was seen
  bool told = false;  // false: it waits for its turn to be told
};

// Somebody who is told.
struct AlertReceiver {
  std::string name;                         // host and port of a webhook, or the file of a command; no path, no token
  std::optional<WallTime> failing_since{};  // nothing: the last message was delivered, or there was none
  std::string error{};                      // of the last try, if it failed
};

// What came of a test message.
struct AlertAnswer {
  std::string receiver{};
  bool delivered = false;
  std::string text{};    // "HTTP 200", or why not
  std::string output{};  // the beginning of what was answered; foreign text
  std::chrono::milliseconds took{0};
};

// Any thread.
class Alerts {
 public:
  Alerts() = default;
  Alerts(const Alerts&) = delete;
  Alerts& operator=(const Alerts&) = delete;
  virtual ~Alerts() = default;

  // Without receivers nothing is looked at, and none is open.
  [[nodiscard]] virtual std::vector<OpenAlert> open() const = 0;
  [[nodiscard]] virtual std::vector<AlertReceiver> receivers() const = 0;

  // Sends a test message to each receiver at once, and waits for all, 45 s at most.
  virtual std::vector<AlertAnswer> test() = 0;
};

}  // namespace vodlift
