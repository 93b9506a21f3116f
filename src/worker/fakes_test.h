// In-memory stand-ins for the ports that a run of the worker uses. They keep what they are told and fail on demand.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/callback_sender.h"
#include "core/no_accounts_test.h"
#include "core/upload_store.h"
#include "worker/fake_ledger_test.h"
#include "worker/fake_objects_test.h"
#include "worker/fake_storages_test.h"

namespace vodlift::worker {

// Keeps what a run records; every method but those a run uses is never called.
class MemoryUploads : public UploadStore {
 public:
  void insert(NewUpload, InsertDone) override {}
  Result<std::optional<UploadId>> find_repeat(std::int64_t, const RequestSignature&) override {
    return std::optional<UploadId>();
  }
  Result<std::vector<Upload>> find(AccountId, const UploadQuery&) override { return std::vector<Upload>(); }
  Result<std::vector<ClaimedUpload>> claim(const Places&, std::chrono::milliseconds) override {
    return std::vector<ClaimedUpload>();
  }
  Result<std::vector<ReadyAccount>> ready_accounts(int) override { return std::vector<ReadyAccount>(); }
  Result<Upload> change(const ChangeRequest&) override { return Error{Errc::internal, "not the worker's"}; }
  Result<std::vector<HeldLease>> renew(const std::vector<Lease>& leases, std::chrono::milliseconds) override {
    return all_held(leases);
  }
  static std::vector<HeldLease> all_held(const std::vector<Lease>& leases) {
    std::vector<HeldLease> held;
    for (const Lease& lease : leases) held.push_back({lease, false});
    return held;
  }
  Result<> record_multipart(const Lease&, const MultipartJournal& entry) override {
    if (lease_lost) return Error{Errc::lease_lost, "lost"};
    if (auto full = without_room("multipart")) return *full;
    journal = entry;
    return {};
  }
  Result<> record_part(const Lease&, const Part& part) override {
    if (lease_lost) return Error{Errc::lease_lost, "lost"};
    if (auto full = without_room("part")) return *full;
    journal.parts.push_back(part);
    return {};
  }
  Result<> finish(const Lease&, const Ending& end) override {
    if (auto full = without_room("finish")) return *full;
    ending = end;
    return {};
  }
  void finish_soon(const Lease& lease, Ending end, FinishDone done) override { done(finish(lease, end)); }
  Result<> requeue(const Lease&, WallTime at, const std::optional<UploadError>& error, bool counts) override {
    if (auto full = without_room("requeue")) return *full;
    requeued_for = at;
    requeue_error = error;
    requeue_counts = counts;
    return {};
  }
  Result<int> rescue(bool, int) override { return 0; }
  Result<std::vector<ClaimedCallback>> claim_callbacks(int, std::chrono::milliseconds) override {
    return std::vector<ClaimedCallback>();
  }
  Result<> record_callback(const ClaimedCallback&, const CallbackAttempt&) override { return {}; }
  Result<int> forget_signatures(WallTime) override { return 0; }
  Result<std::optional<WallTime>> next_due() override { return std::optional<WallTime>(); }
  void on_work(std::function<void()>, std::function<void()>) override {}
  void on_recall(std::function<void(const Lease&)>) override {}

  bool lease_lost = false;
  std::map<std::string, int> refusals;  // by change: the first so many are refused, as by a disk without room
  std::function<void()> on_refusal;
  MultipartJournal journal;
  std::optional<Ending> ending;
  std::optional<WallTime> requeued_for;
  std::optional<UploadError> requeue_error;
  bool requeue_counts = false;

 private:
  std::optional<Error> without_room(const std::string& change) {
    if (refusals[change] == 0) return std::nullopt;
    --refusals[change];
    if (on_refusal) on_refusal();
    return Error{Errc::store_failed, "disk full"};
  }
};

class OneBucket final : public NoAccounts {
 public:
  [[nodiscard]] std::optional<BucketAccess> find_bucket(AccountId, std::string_view) const override { return bucket; }

  std::optional<BucketAccess> bucket = BucketAccess{};
};

class StoppedClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return from_unix_ms(1'700'000'000'000); }
};

}  // namespace vodlift::worker
