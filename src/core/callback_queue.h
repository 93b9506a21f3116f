// Port: callbacks that have to be delivered, and their attempts.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/upload.h"

namespace vodlift {

// All attempts to deliver to a receiver have failed for a time.
struct ReceiverFailing {
  std::chrono::milliseconds lasts{0};  // from the first of these attempts to the last one
  std::chrono::milliseconds ago{0};    // since the last one; below zero: the clock was set back

  bool operator==(const ReceiverFailing&) const = default;
};

// Due callbacks of one account to one receiver.
struct DueReceiver {
  std::string receiver;                      // see callback_receiver()
  std::vector<std::int64_t> ids;             // the longest waiting first
  std::optional<ReceiverFailing> failing{};  // as far as the receiver has sums of its own
};

// A pending callback handed to a worker.
struct ClaimedCallback {
  std::int64_t id = 0;
  std::int64_t fence = 0;
  UploadId upload = 0;
  AccountId account = 0;
  std::string webhook_id;  // the same for all attempts
  std::string url;
  std::string receiver;  // of the URL, see callback_receiver()
  std::string body;      // fixed when the upload ended
  int attempts = 0;      // made so far, or since it was sent again
  Trace trace{};         // of the upload
};

// One attempt that ended now, and where the callback stands after it.
struct CallbackAttempt {
  std::chrono::milliseconds took{0};
  int http_status = 0;                          // 0: no answer
  std::string error;                            // empty on success; cut to 512 bytes
  CallbackState next = CallbackState::pending;  // pending (again), delivered, failed, stopped
  std::chrono::milliseconds delay{0};           // until the next attempt, where pending
};

struct RecordedAttempt {
  ClaimedCallback callback;
  CallbackAttempt attempt;
};

// Claims are made in the name of the node that the implementation was opened for. Any thread; calls block until the
// disk has the change. Times are of the store's clock. Errors of all: store_failed (nothing was changed), internal.
class CallbackQueue {
 public:
  CallbackQueue() = default;
  CallbackQueue(const CallbackQueue&) = delete;
  CallbackQueue& operator=(const CallbackQueue&) = delete;
  virtual ~CallbackQueue() = default;

  // The accounts that have callbacks due, in ascending order from `from` on, then those below it. `limit` at most.
  virtual Result<std::vector<AccountId>> due_accounts(AccountId from, int limit) = 0;

  // The receivers to which the account has callbacks due, in the order of their texts: those after `after`, then the
  // others. `limit` receivers at most, and `depth` callbacks of each. Claims nothing.
  virtual Result<std::vector<DueReceiver>> due_receivers(AccountId account, const std::string& after, int limit,
                                                         int depth) = 0;

  // Takes those of `ids` that are due, leased for `lease`; the first 1,000 only. One whose lease expires is due again.
  virtual Result<std::vector<ClaimedCallback>> claim(const std::vector<std::int64_t>& ids,
                                                     std::chrono::milliseconds lease) = 0;

  // Records attempts, all in one change, and where their callbacks stand now. Answers the ids of the callbacks whose
  // lease is lost: nothing was recorded for these.
  virtual Result<std::vector<std::int64_t>> record(const std::vector<RecordedAttempt>& attempts) = 0;

  // Fails callbacks of the account that are due to this receiver for good, without sending them: each gets an attempt
  // that took no time, with `reason` as its error. Those stay that somebody has sent again and that were not tried
  // since. The longest waiting first, `limit` at most. The receiver's sums count no attempt. Answers how many there
  // were.
  virtual Result<int> refuse(AccountId account, const std::string& receiver, const std::string& reason, int limit) = 0;

  // Makes callbacks due that earlier terms of this node have leased. For the start.
  virtual Result<> reclaim() = 0;

  // How long until a callback is due, 0: one is; empty: none is pending.
  virtual Result<std::optional<std::chrono::milliseconds>> next_due() = 0;
};

}  // namespace vodlift
