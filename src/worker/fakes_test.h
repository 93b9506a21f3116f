// In-memory stand-ins for the ports that a run of the worker uses. They keep what they are told and fail on demand.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/callback_queue.h"
#include "core/callback_sender.h"
#include "core/multipart_journal.h"
#include "core/no_accounts_test.h"
#include "worker/fake_ledger_test.h"
#include "worker/fake_objects_test.h"
#include "worker/fake_storages_test.h"

namespace vodlift::worker {

// Keeps what a run records. The methods that a run does not use answer as an empty queue does.
class MemoryUploads : public WorkQueue, public MultipartJournal, public CallbackQueue {
 public:
  Result<std::vector<ClaimedUpload>> claim(const Places&, std::chrono::milliseconds) override {
    return std::vector<ClaimedUpload>();
  }
  Result<std::vector<ReadyAccount>> ready_accounts(int) override { return std::vector<ReadyAccount>(); }
  Result<std::vector<HeldLease>> renew(const std::vector<Lease>& leases, std::chrono::milliseconds) override {
    return all_held(leases);
  }
  static std::vector<HeldLease> all_held(const std::vector<Lease>& leases) {
    std::vector<HeldLease> held;
    for (const Lease& lease : leases) held.push_back({lease, false});
    return held;
  }
  Result<> intend(const Lease&, const MultipartPlace& place) override {
    if (on_intend) on_intend();
    calls.push_back("intend " + place.key);
    return {};
  }
  Result<> withdraw(const Lease&) override {
    calls.emplace_back("withdraw");
    return {};
  }
  Result<> abandon(const Lease&) override {
    calls.emplace_back("abandon");
    return {};
  }
  Result<> record_multipart(const Lease&, const OpenMultipart& entry) override {
    if (lost) return Error{Errc::lease_lost, "lost"};
    if (auto full = without_room("multipart")) return *full;
    journal = entry;
    return {};
  }
  Result<> record_part(const Lease&, const Part& part) override {
    if (lost) return Error{Errc::lease_lost, "lost"};
    if (auto full = without_room("part")) return *full;
    journal.parts.push_back(part);
    return {};
  }
  Result<> finish(const Lease&, const UploadEnding& end) override {
    if (auto full = without_room("finish")) return *full;
    ending = end;
    return {};
  }
  void finish_soon(const Lease& lease, UploadEnding end, FinishDone done) override { done(finish(lease, end)); }
  Result<> requeue(const Lease&, const Requeue& how) override {
    if (auto full = without_room("requeue")) return *full;
    requeued = how;
    return {};
  }
  Result<int> rescue(int) override { return 0; }
  Result<int> reclaim(int) override { return 0; }
  Result<std::vector<ClaimedCallback>> claim(int, std::chrono::milliseconds) override {
    return std::vector<ClaimedCallback>();
  }
  Result<> record(const ClaimedCallback&, const CallbackAttempt&) override { return {}; }
  Result<> reclaim() override { return {}; }
  Result<std::optional<std::chrono::milliseconds>> next_due() override {
    return std::optional<std::chrono::milliseconds>();
  }

  bool lost = false;
  std::map<std::string, int> refusals;  // by change: the first so many are refused, as by a disk without room
  std::function<void()> on_refusal;
  OpenMultipart journal;
  std::vector<std::string> calls;  // of the ledger's half of the journal
  std::function<void()> on_intend;
  std::optional<UploadEnding> ending;
  std::optional<Requeue> requeued;

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
