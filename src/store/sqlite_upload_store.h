// The queue in SQLite.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "core/upload_store.h"
#include "store/sqlite_database.h"
#include "store/sqlite_upload_queue.h"

namespace vodlift::store {

// UploadStore over a SqliteDatabase, which must outlive it. Internally locked.
class SqliteUploadStore final : public UploadStore {
 public:
  SqliteUploadStore(SqliteDatabase& database, const Clock& clock, CallbackBody body);
  // Waits for the inserts that are under way.
  ~SqliteUploadStore() override;

  void insert(NewUpload upload, InsertDone done) override;
  Result<std::optional<UploadId>> find_repeat(std::int64_t key_id, const RequestSignature& signature) override;
  // With `ids`, limit and offset do not count; an id given twice is answered once.
  Result<std::vector<Upload>> find(AccountId account, const UploadQuery& query) override;
  Result<std::vector<ClaimedUpload>> claim(const Places& places, std::chrono::milliseconds lease) override;
  Result<std::vector<ReadyAccount>> ready_accounts(int limit) override;
  Result<Upload> change(const ChangeRequest& request) override;
  Result<std::vector<HeldLease>> renew(const std::vector<Lease>& leases, std::chrono::milliseconds lease) override;
  Result<> record_multipart(const Lease& lease, const MultipartJournal& journal) override;
  Result<> record_part(const Lease& lease, const Part& part) override;
  Result<> finish(const Lease& lease, const Ending& ending) override;
  void finish_soon(const Lease& lease, Ending ending, FinishDone done) override;
  Result<> requeue(const Lease& lease, WallTime next_attempt, const std::optional<UploadError>& error,
                   bool counts) override;
  Result<int> rescue(bool all, int max_crashes) override;
  Result<std::vector<ClaimedCallback>> claim_callbacks(int limit, std::chrono::milliseconds lease) override;
  Result<> record_callback(const ClaimedCallback& callback, const CallbackAttempt& attempt) override;
  Result<int> forget_signatures(WallTime before) override;
  Result<std::optional<WallTime>> next_due() override;
  void on_work(std::function<void()> wake_uploads, std::function<void()> wake_callbacks) override;
  void on_recall(std::function<void(const Lease&)> recall) override;

 private:
  class Insert;
  class Finish;

  Result<Followed> end(SqliteConnection& connection, const Lease& lease, const Ending& ending);
  void wake_uploads() const {
    if (wake_uploads_) wake_uploads_();
  }
  // For changes after which either may be due.
  void wake_all() const { wake({true, true}); }
  void wake(const Followed& followed) const {
    if (followed.successor) wake_uploads();
    if (followed.callback && wake_callbacks_) wake_callbacks_();
  }

  SqliteDatabase& database_;
  const Clock& clock_;
  const CallbackBody body_;
  FairShare fair_share_;  // for the writer's thread
  std::function<void()> wake_uploads_;
  std::function<void()> wake_callbacks_;
  std::function<void(const Lease&)> recall_;
};

}  // namespace vodlift::store
