// An operator or customer tries out a receiver of callbacks.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "core/account_directory.h"
#include "core/callback_sender.h"

namespace vodlift {

// What became of a test.
struct CallbackTest {
  std::string webhook_id;  // "msg_test_…"
  std::string body;        // JSON
  std::chrono::milliseconds took{0};
  int http_status = 0;             // 0: no answer
  std::optional<Error> failure{};  // why there was no answer

  [[nodiscard]] bool delivered() const { return http_status >= 200 && http_status < 300; }
};

// Sends one callback that belongs to no upload. Its body is like that of a completed upload, with id 0 and
// `"test": true`. It is signed like every other, and goes where every other may go. Nothing of it is kept.
//
// Internally locked; any thread. Everything given must outlive it, and stop() must come before the sender ends.
class CallbackTester {
 public:
  // Why a callback to this literal host and port is refused; nothing when it is allowed.
  using HostRefusal = std::function<std::optional<std::string>(const std::string& host, int port)>;
  // Tests under way at once; of one account there is one.
  static constexpr std::size_t kMostAtOnce = 3;

  CallbackTester(const AccountDirectory& accounts, CallbackSender& sender, const Clock& clock, HostRefusal refuse_host);

  // Blocks until the receiver has answered or the sender gives up. Errors: invalid_value (the URL, or where it leads),
  // not_found (no such account), overloaded (other tests are under way), interrupted (stop() was called).
  Result<CallbackTest> send(AccountId account, const std::string& url);

  // Ends the tests under way and those to come. May be called twice.
  void stop();

 private:
  // Outlives the tester where an answer comes late.
  struct Shared {
    std::mutex mutex;  // guards the rest, and the answers of tests under way
    std::condition_variable changed;
    std::set<AccountId> under_way;
    bool stopping = false;
  };
  class Place;

  Result<CallbackAnswer> answer_to(CallbackMessage message);

  const AccountDirectory& accounts_;
  CallbackSender& sender_;
  const Clock& clock_;
  const HostRefusal refuse_host_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace vodlift
