// Port of the workers: which uploads run, on which node, and how they end.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/fair_share.h"
#include "core/nodes.h"
#include "core/upload.h"

namespace vodlift {

// A worker's right to one upload until the lease expires. Every change made under it is refused once `fence` is old.
struct Lease {
  UploadId id = 0;
  std::int64_t fence = 0;
};

// The error of every change that names an old fence.
Error lease_lost(const Lease& lease);

// A lease that was renewed.
struct HeldLease {
  Lease lease;
  bool recalled = false;  // the client wants the upload paused or cancelled: requeue it as soon as possible
};

// The bytes of an object as they were sent.
struct SentBytes {
  std::int64_t size = 0;
  std::uint32_t crc32c = 0;

  bool operator==(const SentBytes&) const = default;
};

// A PutObject or Complete that may have put the object in its place: its answer is not known.
struct Unanswered {
  WallTime since;                   // of the store's clock
  std::optional<SentBytes> sent{};  // nothing: the worker died, so that not even the request is certain

  bool operator==(const Unanswered&) const = default;
};

// An upload handed to a worker.
struct ClaimedUpload {
  Lease lease;
  Upload upload;
  std::string token;
  OpenMultipart journal;
  int weight = kDefaultWeight;             // of its account
  std::optional<Unanswered> unanswered{};  // the last such request of earlier runs
  bool only_look = false;  // it has failed with its error, unless its object is at the store: nothing is sent any more
  bool storage_is_known = false;  // some node has its storage: where this one has not, it is another's
};

// How an upload ends.
struct UploadEnding {
  UploadState state = UploadState::completed;  // completed, failed or cancelled
  std::int64_t size = 0;                       // of the object, bytes; only where completed
  std::optional<Acl> acl_applied;
  Verification verification;
  std::optional<UploadError> error;  // set where failed, empty where completed
};

// Why and how an upload goes back into the queue.
struct Requeue {
  // Until the next attempt, above 0; empty: it is due at once, in the place that it had when it was created.
  std::optional<std::chrono::milliseconds> delay{};
  std::optional<UploadError> error{};  // empty: the last one stays
  bool failed_attempt = false;         // the attempt failed; false: it was interrupted, and the next claim continues it
  bool unanswered = false;             // this run sent a request as Unanswered describes
  std::optional<SentBytes> sent{};     // by that request
  bool only_look = false;              // see ClaimedUpload; false: as it was
};

// How an upload goes back into the queue whose worker died, for the `crashes`th time in a row. `gives_up`:
// decide_rescue() lets it fail; then it is looked for once more. `only_look`: it was so already.
Requeue requeue_after_crash(int crashes, bool gives_up, bool only_look);

// The queue as one node sees it: claims are made in the name of the node that the implementation was opened for. Where
// there may be several nodes, one is offered only uploads from storages that it has (Nodes::describe), or that no node
// has; a store for one node offers it all. Any thread. All but finish() and requeue() block until the disk has the
// change. Times are of the store's clock. An upload whose client asked for a pause or a cancellation while it ran is
// paused or cancelled in the transaction that would queue it again. Errors of all: store_failed (nothing was changed),
// internal.
class WorkQueue {
 public:
  WorkQueue() = default;
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;
  virtual ~WorkQueue() = default;

  // What is ready to run. Of two uploads with the same account, bucket and destination_path only the one with the lower
  // id is ready until it has ended.
  virtual Result<Candidates> candidates(const CandidateQuery& query) = 0;

  // Claims uploads, 1,000 at most: each becomes `uploading`, leased to this node for `lease`. Leaves out those that are
  // not ready any more. The order is that of `ids`.
  virtual Result<std::vector<ClaimedUpload>> claim(const std::vector<UploadId>& ids,
                                                   std::chrono::milliseconds lease) = 0;

  // Prolongs the leases to now + `lease`; answers those that are still held.
  virtual Result<std::vector<HeldLease>> renew(const std::vector<Lease>& leases, std::chrono::milliseconds lease) = 0;

  // Called once, after the commit, on a thread of the store or on the caller's. Must not block.
  using Done = std::function<void(Result<>)>;

  // Ends the upload: state, facts and the pending callback in one transaction. Returns at once; the commit may come
  // some milliseconds later, shared with others. Errors also: lease_lost, overloaded, internal (the ending is not
  // whole).
  virtual void finish(const Lease& lease, UploadEnding ending, Done done) = 0;

  // Puts the upload back into the queue; its journal stays. Returns at once, as finish() does. Errors also: lease_lost,
  // overloaded.
  virtual void requeue(const Lease& lease, Requeue how, Done done) = 0;

  // An upload that must be claimed alone, by itself and while the node has no other lease: its worker crashed `crashes`
  // times (kSuspectCrashes of upload_decisions.h or more). candidates() does not list it.
  struct Suspect {
    UploadId id = 0;
    int crashes = 0;
  };
  // The next one: the one with the fewest crashes alone.
  virtual Result<std::optional<Suspect>> next_suspect() = 0;

  // Takes back uploads whose lease expired; their workers may have sent a request as Unanswered describes. One whose
  // worker crashed `max_crashes` times while it was the only upload that the worker held, without a new part in
  // between, is queued to be looked for only, with the error crashed_repeatedly. If its worker crashes then too, it
  // ends as failed. Answers how many.
  virtual Result<int> rescue(int max_crashes) = 0;

  // Takes back what earlier terms of this node have leased, as rescue() does, before the leases expire. For the start.
  virtual Result<int> reclaim(int max_crashes) = 0;

  // How long until a queued upload is due, 0: one is; empty: no queued upload has a due time.
  virtual Result<std::optional<std::chrono::milliseconds>> next_due() = 0;
};

// Claims for `places` what `share` chooses, and charges the accounts for it after the commit. Errors: those of `queue`;
// then nothing is charged.
Result<std::vector<ClaimedUpload>> claim_next(WorkQueue& queue, FairShare& share, const Places& places,
                                              std::chrono::milliseconds lease, const FairShare::Room& room = nullptr);

}  // namespace vodlift
