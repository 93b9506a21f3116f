// Port: the durable queue. What it answers is committed and synced to disk before it answers.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/api_key.h"
#include "core/claimed_callback.h"
#include "core/fair_share.h"
#include "core/upload.h"

namespace vodlift {

// What the same signed bytes have in common, and no others by the same key.
struct RequestSignature {
  std::int64_t timestamp = 0;  // as the request says it, Unix seconds
  std::string mac;             // 32 raw bytes of its HMAC; empty: not a signed request, never a repeat
};

// A request that passed every check, to be queued.
struct NewUpload {
  AccountId account = 0;
  std::int64_t key_id = 0;  // which API key asked; 0: an operator
  RequestSignature signature;
  UploadRequest request;
  std::int64_t size = 0;  // of the source at submit, bytes
  std::string token;      // random, 32 hex digits: marks the object as ours (x-amz-meta-vodlift-upload)
  WallTime created;
  UploadId retry_of = 0;  // the upload that this one repeats; 0: none
};

// A change of an upload that a client asks for.
struct ChangeRequest {
  AccountId account = 0;  // that the upload has to be of
  UploadId id = 0;
  KeyScope scope{};  // that the upload has to lie in
  UploadChange change = UploadChange::cancel;
  std::int64_t key_id = 0;  // as NewUpload's
  RequestSignature signature;
};

struct InsertOutcome {
  UploadId id = 0;
  bool repeated = false;  // the same signed bytes were here before; `id` is the first answer's
};

// The right to work on one upload until `until`; every change made under it is refused once `fence` is old.
struct Lease {
  UploadId id = 0;
  std::int64_t fence = 0;
};

// A lease that was prolonged.
struct HeldLease {
  Lease lease;
  bool recalled = false;  // as UploadStore::on_recall() tells
};

// An upload handed to a worker.
struct ClaimedUpload {
  Lease lease;
  Upload upload;
  std::string token;
  MultipartJournal journal;
  int weight = kDefaultWeight;  // of its account
};

// An account that has uploads of some priority waiting for a worker.
struct ReadyAccount {
  AccountId account = 0;
  int priority = 0;
  int weight = kDefaultWeight;
  bool small = false;  // whether any of these is small / large (kLargeUploadBytes)
  bool large = false;
};

// Which uploads aws.status wants.
struct UploadQuery {
  std::vector<UploadId> ids;  // empty: the newest ones
  int limit = 25;             // 1..100
  std::int64_t offset = 0;
  KeyScope scope{};                   // only uploads that lie in it
  std::vector<UploadState> states{};  // only uploads in one of these; empty: in any
};

// Makes the callback's body when an upload ends; called inside the finishing transaction, must not block.
using CallbackBody = std::function<std::string(const Upload& ended)>;

// Port of the queue. Every method may be called from any thread; all but `insert` and `finish_soon` block until the
// disk has it. Errors of all: store_failed (nothing was changed), internal.
class UploadStore {
 public:
  using InsertDone = std::function<void(Result<InsertOutcome>)>;

  UploadStore() = default;
  UploadStore(const UploadStore&) = delete;
  UploadStore& operator=(const UploadStore&) = delete;
  virtual ~UploadStore() = default;

  // Queues an upload; `done` is called once, on a thread of the store, after the commit. It must not block.
  // An equal (key_id, signature) answers the first id and changes nothing. Errors also: overloaded.
  virtual void insert(NewUpload upload, InsertDone done) = 0;

  // The id that the same signed bytes got before, if they were here.
  virtual Result<std::optional<UploadId>> find_repeat(std::int64_t key_id, const RequestSignature& signature) = 0;

  // The account's uploads that match, newest first; ids of other accounts are simply not among them.
  virtual Result<std::vector<Upload>> find(AccountId account, const UploadQuery& query) = 0;

  // Makes a change at once, or, while a worker has the upload, as soon as the worker gives it back; answers the upload
  // as it is then. An equal (key_id, signature) changes nothing and answers the upload of the first answer as it is
  // now. A cancelled upload's callback is pending with the same commit. `retry` is for one that waits for its next
  // attempt. Errors also: upload_not_found (absent, another account's, out of scope: alike), wrong_state (the message
  // names the state).
  virtual Result<Upload> change(const ChangeRequest& request) = 0;

  // Takes uploads that are due for as many `places` as there are: highest priority first, inside a priority as
  // FairShare says, those of one account in the order of the times since which they are due. Each becomes `uploading`,
  // leased for `lease`. Never two with the same account, bucket and destination_path at once: those run in id order.
  virtual Result<std::vector<ClaimedUpload>> claim(const Places& places, std::chrono::milliseconds lease) = 0;

  // Up to `limit` accounts that have uploads which a claim could take, highest priority first; an account once for each
  // priority.
  virtual Result<std::vector<ReadyAccount>> ready_accounts(int limit) = 0;

  // Prolongs the leases to now + `lease`; answers those that are still held.
  virtual Result<std::vector<HeldLease>> renew(const std::vector<Lease>& leases, std::chrono::milliseconds lease) = 0;

  // Records that a multipart upload was opened (or, with an empty multipart_id, that none is open any more);
  // parts recorded before are forgotten. Errors also: lease_lost.
  virtual Result<> record_multipart(const Lease& lease, const MultipartJournal& journal) = 0;

  // Records one confirmed part and the bytes confirmed so far. Errors also: lease_lost.
  virtual Result<> record_part(const Lease& lease, const Part& part) = 0;

  // Ends the upload: state (completed, failed, cancelled), facts and the pending callback in one transaction.
  // Errors also: lease_lost, internal (a move the transition table forbids).
  struct Ending {
    UploadState state = UploadState::completed;
    std::int64_t size = 0;
    std::optional<Acl> acl_applied;
    Verification verification;
    std::optional<UploadError> error;
  };
  virtual Result<> finish(const Lease& lease, const Ending& ending) = 0;

  // The same for who does not wait: the commit may come some milliseconds later, shared with others'. `done` is called
  // once, after it, on a thread of the store or on this one. It must not block. Errors also: overloaded.
  using FinishDone = std::function<void(Result<>)>;
  virtual void finish_soon(const Lease& lease, Ending ending, FinishDone done) = 0;

  // Puts the upload back into the queue for `next_attempt`, keeping its journal. `counts` says whether this was an
  // attempt that failed (true) or only an interruption such as a shutdown (false). Where its client asked for a pause
  // or a cancellation meanwhile, it becomes `paused` or `cancelled` instead, in the same transaction. Errors also:
  // lease_lost.
  virtual Result<> requeue(const Lease& lease, WallTime next_attempt, const std::optional<UploadError>& error,
                           bool counts) = 0;

  // Takes back uploads whose lease ran out; one that went down `max_crashes` times without a new part in between ends
  // as failed(crashed_repeatedly). What its client asked for meanwhile counts as in requeue(). `all`: regardless of the
  // time, for the start of the only node. Answers how many.
  virtual Result<int> rescue(bool all, int max_crashes) = 0;

  // Takes up to `limit` callbacks that are due, leased for `lease`.
  virtual Result<std::vector<ClaimedCallback>> claim_callbacks(int limit, std::chrono::milliseconds lease) = 0;

  // Records one attempt and where the callback stands now. Errors also: lease_lost.
  virtual Result<> record_callback(const ClaimedCallback& callback, const CallbackAttempt& attempt) = 0;

  // Forgets signatures with a timestamp before `before`. Answers how many.
  virtual Result<int> forget_signatures(WallTime before) = 0;

  // When the next queued upload or callback is due, if any waits; a time that is past where one is due already. For a
  // dispatcher that would otherwise poll.
  virtual Result<std::optional<WallTime>> next_due() = 0;

  // Called (on a thread of the store, must not block) whenever an upload, or a callback, may have become due. Set once,
  // before use.
  virtual void on_work(std::function<void()> wake_uploads, std::function<void()> wake_callbacks) = 0;

  // Called likewise when the client of an upload under way wants it paused or cancelled: whoever holds this lease is to
  // give it back by requeue() as soon as it can. Who misses it hears of it from renew(). Set once, before use.
  virtual void on_recall(std::function<void(const Lease&)> recall) = 0;
};

}  // namespace vodlift
