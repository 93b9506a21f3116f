// A callback on its way, and what became of an attempt.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "core/upload.h"

namespace vodlift {

// A pending callback handed to a worker.
struct ClaimedCallback {
  std::int64_t id = 0;
  std::int64_t fence = 0;
  UploadId upload = 0;
  AccountId account = 0;
  std::string webhook_id;  // stable over all attempts
  std::string url;
  std::string body;  // fixed when the upload ended
  int attempts = 0;  // made so far
};

// What one callback attempt led to.
struct CallbackAttempt {
  WallTime at;
  std::chrono::milliseconds took{0};
  int http_status = 0;                          // 0: no answer
  std::string error;                            // empty on success; <= 512 bytes
  CallbackState next = CallbackState::pending;  // pending (again), delivered, failed, stopped
  WallTime next_attempt;                        // where pending
};

}  // namespace vodlift
