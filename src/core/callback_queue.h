// Port: callbacks that have to be delivered, and their attempts.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/upload.h"

namespace vodlift {

// A pending callback handed to a worker.
struct ClaimedCallback {
  std::int64_t id = 0;
  std::int64_t fence = 0;
  UploadId upload = 0;
  AccountId account = 0;
  std::string webhook_id;  // the same for all attempts
  std::string url;
  std::string body;  // fixed when the upload ended
  int attempts = 0;  // made so far
};

// One attempt that ended now, and where the callback stands after it.
struct CallbackAttempt {
  std::chrono::milliseconds took{0};
  int http_status = 0;                          // 0: no answer
  std::string error;                            // empty on success; cut to 512 bytes
  CallbackState next = CallbackState::pending;  // pending (again), delivered, failed, stopped
  std::chrono::milliseconds delay{0};           // until the next attempt, where pending
};

// Claims are made in the name of the node that the implementation was opened for. Any thread; calls block until the
// disk has the change. Times are of the store's clock. Errors of all: store_failed (nothing was changed), internal.
class CallbackQueue {
 public:
  CallbackQueue() = default;
  CallbackQueue(const CallbackQueue&) = delete;
  CallbackQueue& operator=(const CallbackQueue&) = delete;
  virtual ~CallbackQueue() = default;

  // Takes up to `limit` callbacks that are due, leased for `lease`. One whose lease expires is due again.
  virtual Result<std::vector<ClaimedCallback>> claim(int limit, std::chrono::milliseconds lease) = 0;

  // Records one attempt and where the callback stands now. Errors also: lease_lost.
  virtual Result<> record(const ClaimedCallback& callback, const CallbackAttempt& attempt) = 0;

  // Makes callbacks due that earlier terms of this node have leased. For the start.
  virtual Result<> reclaim() = 0;

  // How long until a callback is due, 0: one is; empty: none is pending.
  virtual Result<std::optional<std::chrono::milliseconds>> next_due() = 0;
};

}  // namespace vodlift
