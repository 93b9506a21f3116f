// Port: which multipart uploads may be open at a store because of us, until each is known to be completed or gone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "core/upload_store.h"

namespace vodlift {

// Where a multipart upload lies. Credentials are looked up anew whenever it is dealt with.
struct MultipartPlace {
  std::string endpoint;  // as BucketAccess has it; empty: not known any more
  std::string bucket;
  std::string key;  // byte-exact

  bool operator==(const MultipartPlace&) const = default;
};

// Whether a Create that ended with `code` may have opened a multipart upload all the same: the store has not refused
// it.
bool create_may_have_worked(Errc code);

// One entry that no upload uses any more: a multipart upload to be aborted, or to be looked for.
struct LeftMultipart {
  std::int64_t id = 0;
  UploadId upload = 0;
  AccountId account = 0;
  MultipartPlace place;
  std::string multipart_id;  // the store's; empty: Creates were sent whose answers are not known
  int creates = 1;           // how many such Creates, the most that can be open
  WallTime first;            // when the first and the last of them were about to be sent
  WallTime last;
  WallTime left;     // when its upload let go of it
  int attempts = 0;  // to be rid of it, so far
  WallTime next_attempt;
  std::string error;  // of the last attempt, 1,024 bytes at most
};

// What the ledger has on one place.
struct KnownMultiparts {
  std::vector<std::string> ids;
  bool create_under_way = false;  // an id may be added at any moment
};

// Port of the ledger. An entry is made before Create is sent and goes when its multipart upload is known to be
// completed or gone. The UploadStore of the same database keeps it in step, in its own transactions: record_multipart()
// puts the id into the entry, or with an empty journal removes it; an upload that is queued again or ends leaves what
// it does not use any more, one that completes removes what became the object. Any thread; calls block until the disk
// has it. Errors of all: store_failed (nothing was changed), internal.
class MultipartLedger {
 public:
  MultipartLedger() = default;
  MultipartLedger(const MultipartLedger&) = delete;
  MultipartLedger& operator=(const MultipartLedger&) = delete;
  virtual ~MultipartLedger() = default;

  // A Create is about to be sent. What the same upload intended before and has no id for is left to be looked for.
  // Errors also: lease_lost.
  virtual Result<> intend(const Lease& lease, const MultipartPlace& place) = 0;

  // The store refused the Create that was intended last: nothing was opened by it. Errors also: lease_lost.
  virtual Result<> withdraw(const Lease& lease) = 0;

  // The upload lets go of its open multipart upload, which is left to be aborted; its journal is emptied.
  // Errors also: lease_lost.
  virtual Result<> leave(const Lease& lease) = 0;

  // Up to `limit` left entries whose time has come, longest due first.
  virtual Result<std::vector<LeftMultipart>> due(int limit) = 0;

  // Up to `limit` left entries, longest left first, whenever they are due; of one account where it is given.
  virtual Result<std::vector<LeftMultipart>> left(std::optional<AccountId> account, int limit) = 0;

  // When the first left entry is due.
  virtual Result<std::optional<WallTime>> next_due() = 0;

  virtual Result<KnownMultiparts> known(const MultipartPlace& place) = 0;

  // Replaces the left entry `id`, which has no multipart id, by one for each of `multipart_ids` that the ledger does
  // not know yet; they are due at once. Answers false, changing nothing, while a Create for the same place is under
  // way.
  virtual Result<bool> adopt(std::int64_t id, const std::vector<std::string>& multipart_ids) = 0;

  // A Create is about to be sent to the same place only to learn who we are; a left entry is made for it. Answers its
  // id.
  virtual Result<std::int64_t> intend_probe(const LeftMultipart& beside) = 0;

  // The left entry `id` is not due before `until`. With an error this was an attempt; without, it was too early for
  // one.
  virtual Result<> postpone(std::int64_t id, WallTime until, const std::optional<std::string>& error) = 0;

  // No left entry of the same account, endpoint and bucket is due before `until`: the bucket cannot be worked on now.
  virtual Result<> postpone_bucket(const LeftMultipart& entry, WallTime until) = 0;

  // Removes the left entry `id`: its multipart upload is gone, or given up.
  virtual Result<> remove(std::int64_t id) = 0;
};

}  // namespace vodlift
