// A queue in memory.
#pragma once

#include <algorithm>
#include <mutex>
#include <vector>

#include "core/upload_store.h"

namespace vodlift::admin {

// Knows inserting, finding and changing.
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
      queued.created = from_unix_ms(1'700'000'000'000);
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

  UploadQuery last_query;
  ChangeRequest last_change;

 private:
  static Error refused() { return {Errc::internal, "not part of this test"}; }

  std::mutex mutex_;
  std::vector<Upload> uploads_;
};

}  // namespace vodlift::admin
