// A queue in memory.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <vector>

#include "core/upload_store.h"

namespace vodlift::legacy {

// Keeps what was inserted.
class FakeUploads final : public UploadStore {
 public:
  void insert(NewUpload upload, InsertDone done) override {
    Result<InsertOutcome> outcome = InsertOutcome{};
    {
      const std::lock_guard lock(mutex_);
      if (failure) {
        outcome = *failure;
      } else {
        const auto [at, fresh] = macs_.emplace(std::pair(upload.key_id, upload.signature.mac), next_id_);
        if (fresh) keep(std::move(upload));
        outcome = InsertOutcome{at->second, !fresh};
      }
    }
    done(outcome);
  }
  Result<std::optional<UploadId>> find_repeat(std::int64_t key_id, const RequestSignature& signature) override {
    const std::lock_guard lock(mutex_);
    if (failure) return *failure;
    const auto at = macs_.find(std::pair(key_id, signature.mac));
    return at == macs_.end() ? std::optional<UploadId>() : std::optional(at->second);
  }
  Result<std::vector<Upload>> find(AccountId account, const UploadQuery& query) override {
    const std::lock_guard lock(mutex_);
    if (broken) throw std::runtime_error("no such table: uploads");
    if (failure) return *failure;
    last_query = query;
    const auto seen = [&query](const Upload& upload) {
      const bool in_state = query.states.empty() || std::ranges::find(query.states, upload.state) != query.states.end();
      return in_state && query.scope.holds(upload.request);
    };
    const std::set<UploadId> wanted(query.ids.begin(), query.ids.end());
    std::vector<Upload> out;
    for (auto at = uploads.rbegin(); at != uploads.rend(); ++at) {
      if (at->account == account && seen(*at) && (wanted.empty() || wanted.contains(at->id))) out.push_back(*at);
    }
    return out;
  }
  Result<Upload> change(const ChangeRequest& request) override {
    const std::lock_guard lock(mutex_);
    if (failure) return *failure;
    last_change = request;
    for (Upload& upload : uploads) {
      if (upload.id == request.id && upload.account == request.account) return upload;
    }
    return Error{Errc::upload_not_found, "no such upload for this account"};
  }

  std::optional<Error> failure;
  bool broken = false;
  std::vector<Upload> uploads;
  UploadQuery last_query;
  ChangeRequest last_change;

 private:
  void keep(NewUpload added) {
    Upload upload;
    upload.id = next_id_++;
    upload.account = added.account;
    upload.request = std::move(added.request);
    upload.size = added.size;
    upload.created = from_unix_ms(1'700'000'000'000);
    uploads.push_back(std::move(upload));
  }

  std::mutex mutex_;
  std::map<std::pair<std::int64_t, std::string>, UploadId> macs_;
  UploadId next_id_ = 1;
};

}  // namespace vodlift::legacy
