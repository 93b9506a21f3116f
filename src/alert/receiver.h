// Somewhere an alert is sent to.
#pragma once

#include <functional>
#include <string>

#include "core/alert.h"

namespace vodlift::alert {

// What came of one try.
struct Outcome {
  bool delivered = false;
  bool try_again = true;  // if not delivered
  std::string text{};     // "HTTP 200", "exit code 1", or why it was not sent; for logs: it names no path and no token
  std::string output{};   // the beginning of what was answered; foreign text
};

// Any thread.
class Receiver {
 public:
  using Done = std::function<void(Outcome)>;

  Receiver() = default;
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  virtual ~Receiver() = default;

  // Host and port, or the name of a program; no path and no token.
  [[nodiscard]] virtual const std::string& name() const = 0;

  // Tries once, in bounded time, without blocking. `done` is called once, on any thread, also on the caller's.
  virtual void send(const AlertMessage& message, Done done) = 0;

  // Ends what is under way soon.
  virtual void stop() {}
};

}  // namespace vodlift::alert
