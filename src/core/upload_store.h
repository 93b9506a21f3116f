// Port of the doors: what clients and operators do with uploads. Every change is synced to disk before it is answered.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/api_key.h"
#include "core/upload.h"
#include "core/upload_decisions.h"
#include "core/upload_search.h"

namespace vodlift {

// What identifies one signed request: the same signed bytes have the same signature, and no other request of the key
// has.
struct RequestSignature {
  std::int64_t timestamp = 0;  // as the request says it, Unix seconds
  std::string mac;             // 32 raw bytes of its HMAC; empty: the request is not signed, and never a repeat
};

// A request that passed every check. The store's clock says when it was created.
struct NewUpload {
  AccountId account = 0;
  std::int64_t key_id = 0;  // the API key that asked; 0: an operator
  RequestSignature signature;
  UploadRequest request;
  std::int64_t size = 0;         // of the source at submit, bytes
  std::string token;             // random, 32 hex digits: marks the object as ours (x-amz-meta-vodlift-upload)
  UploadId retry_of = 0;         // the upload that this one repeats; 0: none
  std::optional<Trace> trace{};  // of the client's request; nothing: it is made of the token
};

inline Trace trace_of(const NewUpload& upload) { return upload.trace ? *upload.trace : trace_of_token(upload.token); }

// A change of an upload that somebody asks for.
struct ChangeRequest {
  AccountId account = 0;  // the account that must own the upload
  UploadId id = 0;
  KeyScope scope{};  // the scope that the upload must lie in
  UploadChange change = UploadChange::cancel;
  int priority = 0;         // for set_priority: 0..9
  std::int64_t key_id = 0;  // like NewUpload::key_id
  RequestSignature signature;
};

// What became of a change.
struct ChangeOutcome {
  Upload upload;                           // as it is now
  std::optional<ChangeRefusal> refusal{};  // set: nothing was changed
};

struct InsertOutcome {
  UploadId id = 0;
  bool repeated = false;  // the same signed bytes came before; `id` is the one that they got
};

// Which uploads to list.
struct UploadQuery {
  std::vector<UploadId> ids;  // empty: the newest ones
  int limit = 25;             // 1..100
  std::int64_t offset = 0;
  KeyScope scope{};                   // only uploads that lie in it
  std::vector<UploadState> states{};  // only uploads in one of these; empty: in any
};

// How many uploads an account has in one state.
struct UploadCount {
  AccountId account = 0;
  UploadState state{};
  std::int64_t uploads = 0;
  std::int64_t bytes = 0;  // the sum of their sizes; the largest number where it holds no more

  bool operator==(const UploadCount&) const = default;
};

// Uploads of one priority that could be sent now.
struct ReadyUploads {
  int priority = 0;
  std::int64_t uploads = 0;
  std::int64_t bytes = 0;  // of these, still to be sent; the largest number where it holds no more
  WallTime longest;        // since when the one of these has waited that waits longest
  bool complete = true;    // false: there are more than kMostReadyLookedAt

  bool operator==(const ReadyUploads&) const = default;
};
inline constexpr int kMostReadyLookedAt = 1000;  // of one priority

// What waits.
struct QueueState {
  std::vector<ReadyUploads> ready;  // the highest priority first; only those that have any
  // Of the uploads that are queued, ready or not, when the oldest one was made. Nothing: there is none, or more than
  // kMostQueuesLookedAt accounts have some.
  std::optional<WallTime> oldest{};
  // Where several nodes share the queue, and of all accounts only: storages from which uploads are ready, and that
  // nodes have, but no worker that is alive.
  std::vector<std::string> nowhere{};

  bool operator==(const QueueState&) const = default;
};
inline constexpr int kMostQueuesLookedAt = 1000;

// The answer about an upload that the caller cannot reach, whether it exists or not.
inline Error no_such_upload() { return {Errc::upload_not_found, "no such upload for this account"}; }

// Makes the callback's body when an upload ends. It is called inside the transaction that ends the upload and must not
// block.
using CallbackBody = std::function<std::string(const Upload& ended)>;

// Any thread. All but `insert` block until the disk has the change. Errors of all: store_failed (nothing was changed),
// internal.
class UploadStore {
 public:
  using InsertDone = std::function<void(Result<InsertOutcome>)>;

  UploadStore() = default;
  UploadStore(const UploadStore&) = delete;
  UploadStore& operator=(const UploadStore&) = delete;
  virtual ~UploadStore() = default;

  // Queues an upload. `done` is called once, on a thread of the store, after the commit; it must not block. An equal
  // (key_id, signature) gets the first id and changes nothing. Uploads to the same object (account, bucket,
  // destination_path) run one after the other, in the order of their ids. Errors also: overloaded
  // (also where the account has too many that have not ended: too_many_open_uploads()). An upload that was checked
  // before its bucket or key was removed: bucket_not_configured, not_authorized.
  virtual void insert(NewUpload upload, InsertDone done) = 0;

  // The id that the same signed bytes got before, if they came before.
  virtual Result<std::optional<UploadId>> find_repeat(std::int64_t key_id, const RequestSignature& signature) = 0;

  // The account's uploads that match, newest first. Ids of other accounts are left out. With `ids`, limit and offset do
  // not count; an id given twice is answered once.
  virtual Result<std::vector<Upload>> find(AccountId account, const UploadQuery& query) = 0;

  // The same among the uploads of all accounts. The query's scope must be empty.
  virtual Result<std::vector<Upload>> find_in_all(const UploadQuery& query) = 0;

  // The newest uploads that match, page by page. An upload that comes later is on no later page; one whose state
  // changes meanwhile may be missed. `look_at` counts only uploads of the account and of the states that can match,
  // unless these are of very many accounts.
  virtual Result<UploadPage> search(const UploadSearch& search) = 0;

  // For each account and each state that has any, by account. They are kept with every change and never counted: the
  // answer costs what it holds, six rows an account at most.
  virtual Result<std::vector<UploadCount>> counts() = 0;

  // What waits, of one account or of all. It looks at a bounded number of uploads, in the order of the queue's index.
  virtual Result<QueueState> queue(std::optional<AccountId> account) = 0;

  // Uploads to the bucket that wait for their next attempt are due now: its settings changed. Answers how many.
  virtual Result<int> wake(AccountId account, const std::string& bucket) = 0;

  // Makes the change that decide_change() allows: at once, or, while a worker has the upload, as soon as the worker
  // gives it back. An equal (key_id, signature) changes nothing and answers the upload of the first answer as it is
  // now. The callback of a cancelled upload becomes pending in the same commit. `retry` is for an upload that waits for
  // its next attempt. A new priority of an upload that a worker has counts from its next turn on. Errors also:
  // upload_not_found (absent, of another account, out of scope: all alike).
  virtual Result<ChangeOutcome> change(const ChangeRequest& request) = 0;
};

}  // namespace vodlift
