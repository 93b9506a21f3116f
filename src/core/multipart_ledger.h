// Port of the reaper: which multipart uploads may be open at a store because of us, until each is known to be completed
// or gone.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "core/upload.h"

namespace vodlift {

// Where a multipart upload lies. Its credentials are looked up each time.
struct MultipartPlace {
  std::string endpoint;  // as BucketAccess has it; empty: not known any more
  std::string bucket;
  std::string key;  // byte-exact

  bool operator==(const MultipartPlace&) const = default;
};

// An entry that no upload uses any more: a multipart upload to be aborted, or to be looked for. Times are of the
// store's clock.
struct AbandonedMultipart {
  std::int64_t id = 0;
  UploadId upload = 0;
  AccountId account = 0;
  MultipartPlace place;
  std::string multipart_id;  // the store's; empty: Creates were sent whose answers are not known
  int creates = 1;           // how many such Creates, the most that can be open
  WallTime first;            // when the first and the last of them were about to be sent
  WallTime last;
  WallTime abandoned;  // when its upload abandoned it
  int attempts = 0;    // to remove it, so far
  WallTime next_attempt;
  std::string error;  // of the last attempt, at most 1,024 bytes
  WallTime read;      // when this was read
};

// What the ledger has on one place.
struct KnownMultiparts {
  std::vector<std::string> ids;
  bool create_under_way = false;  // an id may be added at any moment
};

// How many entries there are; kMostLedgerCounted stands for as many or more.
struct LedgerCounts {
  std::int64_t in_use = 0;
  std::int64_t abandoned = 0;

  bool operator==(const LedgerCounts&) const = default;
};
inline constexpr int kMostLedgerCounted = 10'000;

// An entry is made before Create is sent (MultipartJournal::intend) and goes when its multipart upload is known to be
// completed or gone. An upload that is queued again or ends abandons what it does not use any more. Any thread; calls
// block until the disk has the change. Errors of all: store_failed (nothing was changed), internal.
class MultipartLedger {
 public:
  MultipartLedger() = default;
  MultipartLedger(const MultipartLedger&) = delete;
  MultipartLedger& operator=(const MultipartLedger&) = delete;
  virtual ~MultipartLedger() = default;

  // Up to `limit` abandoned entries that are due, the longest due first.
  virtual Result<std::vector<AbandonedMultipart>> due(int limit) = 0;

  // Up to `limit` abandoned entries, due or not, the longest abandoned first; of one account where it is given.
  virtual Result<std::vector<AbandonedMultipart>> abandoned(std::optional<AccountId> account, int limit) = 0;

  virtual Result<LedgerCounts> counts() = 0;

  // How long until an abandoned entry is due, 0: one is; empty: there is none.
  virtual Result<std::optional<std::chrono::milliseconds>> next_due() = 0;

  virtual Result<KnownMultiparts> known(const MultipartPlace& place) = 0;

  // Replaces the abandoned entry `id`, which has no multipart id, by one for each of `multipart_ids` that the ledger
  // does not know yet; they are due at once. Answers false, and changes nothing, while a Create for the same place is
  // under way.
  virtual Result<bool> adopt(std::int64_t id, const std::vector<std::string>& multipart_ids) = 0;

  // A Create is about to be sent to the place of `entry` only to learn our principal at the store. Makes an abandoned
  // entry for it and answers its id.
  virtual Result<std::int64_t> intend_probe(const AbandonedMultipart& entry) = 0;

  // The abandoned entry `id` is not due before `delay` is over. With an error this was an attempt; without one it was
  // too early for an attempt.
  virtual Result<> postpone(std::int64_t id, std::chrono::milliseconds delay,
                            const std::optional<std::string>& error) = 0;

  // No abandoned entry of the same account, endpoint and bucket is due before `delay` is over: the bucket cannot be
  // worked on now.
  virtual Result<> postpone_bucket(const AbandonedMultipart& entry, std::chrono::milliseconds delay) = 0;

  // Removes the abandoned entry `id`: its multipart upload is gone, or given up.
  virtual Result<> remove(std::int64_t id) = 0;
};

}  // namespace vodlift
