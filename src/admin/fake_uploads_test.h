// A queue in memory.
#pragma once

#include <algorithm>
#include <mutex>
#include <vector>

#include "core/upload_store.h"

namespace vodlift::admin {

// Knows inserting and finding; the worker's half of the port is refused.
class MemoryUploads final : public UploadStore {
 public:
  void insert(NewUpload upload, InsertDone done) override {
    Upload queued;
    {
      const std::scoped_lock lock(mutex_);
      queued.id = static_cast<UploadId>(uploads_.size()) + 1;
      queued.account = upload.account;
      queued.request = upload.request;
      queued.size = upload.size;
      queued.created = upload.created;
      uploads_.push_back(queued);
    }
    done(InsertOutcome{queued.id, false});
  }
  Result<std::vector<Upload>> find(AccountId account, const UploadQuery& query) override {
    const std::scoped_lock lock(mutex_);
    last_query = query;
    std::vector<Upload> found;
    for (const Upload& upload : uploads_) {
      const bool wanted = query.ids.empty() || std::ranges::find(query.ids, upload.id) != query.ids.end();
      if (upload.account == account && wanted) found.insert(found.begin(), upload);
    }
    return found;
  }

  Result<Upload> change(const ChangeRequest& request) override {
    const std::scoped_lock lock(mutex_);
    last_change = request;
    for (const Upload& upload : uploads_) {
      if (upload.id == request.id && upload.account == request.account) return upload;
    }
    return Error{Errc::upload_not_found, "no such upload for this account"};
  }
  Result<std::optional<UploadId>> find_repeat(std::int64_t, const RequestSignature&) override { return refused(); }
  Result<std::vector<ClaimedUpload>> claim(const Places&, std::chrono::milliseconds) override { return refused(); }
  Result<std::vector<ReadyAccount>> ready_accounts(int) override { return refused(); }
  Result<std::vector<HeldLease>> renew(const std::vector<Lease>&, std::chrono::milliseconds) override {
    return refused();
  }
  Result<> record_multipart(const Lease&, const MultipartJournal&) override { return refused(); }
  Result<> record_part(const Lease&, const Part&) override { return refused(); }
  Result<> finish(const Lease&, const Ending&) override { return refused(); }
  void finish_soon(const Lease&, Ending, FinishDone done) override { done(refused()); }
  Result<> requeue(const Lease&, WallTime, const std::optional<UploadError>&, bool) override { return refused(); }
  Result<int> rescue(bool, int) override { return refused(); }
  Result<std::vector<ClaimedCallback>> claim_callbacks(int, std::chrono::milliseconds) override { return refused(); }
  Result<> record_callback(const ClaimedCallback&, const CallbackAttempt&) override { return refused(); }
  Result<int> forget_signatures(WallTime) override { return refused(); }
  Result<std::optional<WallTime>> next_due() override { return refused(); }
  void on_work(std::function<void()>, std::function<void()>) override {}
  void on_recall(std::function<void(const Lease&)>) override {}

  UploadQuery last_query;
  ChangeRequest last_change;

 private:
  static Error refused() { return {Errc::internal, "not part of this test"}; }

  std::mutex mutex_;
  std::vector<Upload> uploads_;
};

}  // namespace vodlift::admin
