// In-memory stand-ins for the ports that a run of the worker uses. They keep what is recorded and fail on demand.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/account_directory.h"
#include "core/callback_sender.h"
#include "core/multipart_journal.h"
#include "core/work_queue.h"
#include "memory/memory_accounts.h"
#include "worker/fake_objects_test.h"
#include "worker/fake_storages_test.h"

namespace vodlift::worker {

// A queue and journal that keep what a run records. Every other method does nothing.
class MemoryUploads : public WorkQueue, public MultipartJournal {
 public:
  Result<Candidates> candidates(const CandidateQuery&) override { return Candidates(); }
  Result<std::vector<ClaimedUpload>> claim(const std::vector<UploadId>&, std::chrono::milliseconds) override {
    return std::vector<ClaimedUpload>();
  }
  Result<std::vector<HeldLease>> renew(const std::vector<Lease>& leases, std::chrono::milliseconds) override {
    renewed = static_cast<int>(leases.size());
    return all_held(leases);
  }
  static std::vector<HeldLease> all_held(const std::vector<Lease>& leases) {
    std::vector<HeldLease> held;
    for (const Lease& lease : leases) held.push_back({lease, false});
    return held;
  }
  void finish(const Lease&, UploadEnding end, Done done) override {
    if (auto full = without_room("finish")) return done(*full);
    ending = std::move(end);
    done({});
  }
  void requeue(const Lease&, Requeue how, Done done) override {
    if (auto full = without_room("requeue")) return done(*full);
    requeued = std::move(how);
    done({});
  }
  Result<int> rescue(int) override { return 0; }
  Result<int> reclaim(int) override { return 0; }
  Result<std::optional<std::chrono::milliseconds>> next_due() override {
    return std::optional<std::chrono::milliseconds>();
  }

  Result<> intend(const Lease&, const MultipartPlace& place) override {
    if (on_intend) on_intend();
    ledger_calls.push_back("intend " + place.key);
    return {};
  }
  Result<> withdraw(const Lease&) override {
    ledger_calls.emplace_back("withdraw");
    return {};
  }
  Result<> record_multipart(const Lease&, const OpenMultipart& open) override {
    if (lease_lost) return Error{Errc::lease_lost, "lost"};
    if (auto full = without_room("multipart")) return *full;
    journal = open;
    return {};
  }
  Result<> record_part(const Lease&, const Part& part) override {
    if (lease_lost) return Error{Errc::lease_lost, "lost"};
    if (auto full = without_room("part")) return *full;
    journal.parts.push_back(part);
    return {};
  }
  Result<> abandon(const Lease&) override {
    ledger_calls.emplace_back("abandon");
    return {};
  }

  bool lease_lost = false;
  int renewed = 0;                      // leases, at the last renewal
  std::map<std::string, int> refusals;  // by change: how many of the next ones are refused for want of room
  std::function<void()> on_refusal;
  std::function<void()> on_intend;
  std::vector<std::string> ledger_calls;  // intend, withdraw, abandon
  OpenMultipart journal;
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

// Account 158 with the bucket "b".
class OneBucket {
 public:
  OneBucket() {
    Account account;
    account.cdn = 158;
    account.user = "jb";
    directory.add_account(account).value();
    bucket_.cdn = account.cdn;
    bucket_.bucket = "b";
    directory.put_bucket(bucket_).value();
  }

  // Changes how the bucket is reached.
  void change(const std::function<void(BucketAccess&)>& edit) {
    edit(bucket_);
    directory.put_bucket(bucket_).value();
  }
  // Adds another bucket, which is reached in the same way.
  void add(std::string_view name) {
    BucketAccess another = bucket_;
    another.bucket = name;
    directory.put_bucket(another).value();
  }

 private:
  BucketAccess bucket_;
  memory::MemoryAccounts rows_;

 public:
  AccountDirectory directory{rows_};
};

;

class StoppedClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return from_unix_ms(1'700'000'000'000); }
};

}  // namespace vodlift::worker
