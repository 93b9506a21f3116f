// Runs a program of the operator for each alert.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "alert/receiver.h"
#include "base/thread_pool.h"

namespace vodlift::alert {

struct Command {
  std::vector<std::string> words;  // the first one is an absolute path
  std::chrono::seconds limit{30};
  std::string server{};  // the name of this one
};

// One run at a time; others wait. Each gets the alert as JSON on standard input, and some of it in the environment
// (VODLIFT_ALERT_STATE, _ACTION, _KEY, _CODE, _SEVERITY, _TITLE, _SERVER) besides PATH; it inherits no other variable
// and no open file.
class CommandReceiver final : public Receiver {
 public:
  explicit CommandReceiver(Command command);
  // Ends what runs.
  ~CommandReceiver() override;

  [[nodiscard]] const std::string& name() const override { return name_; }

  // Delivered: it ended with exit code 0. What is still there of its process group then, or after the limit, is killed.
  void send(const AlertMessage& message, Done done) override;

  void stop() override { stopping_ = true; }

 private:
  const Command command_;
  const std::string name_;
  std::atomic<bool> stopping_{false};
  ThreadPool pool_{"alert-command", 1, 4};
};

// Runs `words` with `input` on standard input and `environment` ("NAME=value"), in a process group of its own, in the
// folder /. Blocks until it has ended, for `limit`, or until `stop` is set (within 100 ms); then the group is killed.
Outcome run_command(const std::vector<std::string>& words, std::string_view input,
                    const std::vector<std::string>& environment, std::chrono::milliseconds limit,
                    const std::atomic<bool>& stop);

}  // namespace vodlift::alert
