// A queue in memory.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <vector>

#include "core/upload_store.h"

namespace vodlift::legacy {

// Keeps what was inserted; the worker's half of the port is not reachable from here.
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
  Result<std::vector<ClaimedUpload>> claim(const Places&, std::chrono::milliseconds) override { return unreachable(); }
  Result<std::vector<ReadyAccount>> ready_accounts(int) override { return unreachable(); }
  Result<std::vector<HeldLease>> renew(const std::vector<Lease>&, std::chrono::milliseconds) override {
    return unreachable();
  }
  Result<> record_multipart(const Lease&, const MultipartJournal&) override { return unreachable(); }
  Result<> record_part(const Lease&, const Part&) override { return unreachable(); }
  Result<> finish(const Lease&, const Ending&) override { return unreachable(); }
  void finish_soon(const Lease&, Ending, FinishDone done) override { done(unreachable()); }
  Result<> requeue(const Lease&, WallTime, const std::optional<UploadError>&, bool) override { return unreachable(); }
  Result<int> rescue(bool, int) override { return unreachable(); }
  Result<std::vector<ClaimedCallback>> claim_callbacks(int, std::chrono::milliseconds) override {
    return unreachable();
  }
  Result<> record_callback(const ClaimedCallback&, const CallbackAttempt&) override { return unreachable(); }
  Result<int> forget_signatures(WallTime) override { return unreachable(); }
  Result<std::optional<WallTime>> next_due() override { return unreachable(); }
  void on_work(std::function<void()>, std::function<void()>) override {}
  void on_recall(std::function<void(const Lease&)>) override {}

  std::optional<Error> failure;
  bool broken = false;
  std::vector<Upload> uploads;
  UploadQuery last_query;
  ChangeRequest last_change;

 private:
  static Error unreachable() { return {Errc::internal, "not for the API"}; }
  void keep(NewUpload added) {
    Upload upload;
    upload.id = next_id_++;
    upload.account = added.account;
    upload.request = std::move(added.request);
    upload.size = added.size;
    upload.created = added.created;
    uploads.push_back(std::move(upload));
  }

  std::mutex mutex_;
  std::map<std::pair<std::int64_t, std::string>, UploadId> macs_;
  UploadId next_id_ = 1;
};

}  // namespace vodlift::legacy
