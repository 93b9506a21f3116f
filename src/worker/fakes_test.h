// What the tests of the worker share: the stores of a node in memory, an account with a bucket, a clock set by hand.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "base/await.h"
#include "core/account_directory.h"
#include "memory/memory_accounts.h"
#include "memory/memory_queue.h"
#include "worker/fake_objects_test.h"
#include "worker/fake_storages_test.h"

namespace vodlift::worker {

inline constexpr AccountId kAccount = 158;

// Moves on request only. Any thread.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return from_unix_ms(now_ms_); }
  void pass(std::chrono::milliseconds time) { now_ms_ += time.count(); }

 private:
  std::atomic<std::int64_t> now_ms_{1'700'000'000'000};
};

// The queue as two nodes see it, and what tests do with it besides the worker.
class Stores {
 public:
  // Queues an upload of kAccount to an object of its own.
  UploadId insert(std::int64_t size = 1000) {
    UploadRequest request;
    request.bucket = "b";
    request.path = "sestore1/a/b.mp4";
    request.destination_path = std::to_string(++inserted_);
    return insert(request, size);
  }
  UploadId insert(UploadRequest request, std::int64_t size, AccountId account = kAccount) {
    NewUpload upload;
    upload.account = account;
    upload.request = std::move(request);
    upload.size = size;
    upload.token = "token-1";
    return await<Result<InsertOutcome>>([&](auto done) { node.uploads.insert(upload, std::move(done)); }).value().id;
  }
  // Claims the upload, which must be queued; if it waits for its next attempt, so much time passes.
  ClaimedUpload claim(UploadId id, AccountId account = kAccount) {
    if (const auto due = look(id, account).next_attempt; due && *due > clock.now()) clock.pass(*due - clock.now());
    return node.queue.claim({id}, std::chrono::minutes(1)).value().at(0);
  }
  Result<> finish(const Lease& lease, const UploadEnding& ending) {
    return await<Result<>>([&](auto done) { node.queue.finish(lease, ending, std::move(done)); });
  }
  Result<> requeue(const Lease& lease, const Requeue& how = {}) {
    return await<Result<>>([&](auto done) { node.queue.requeue(lease, how, std::move(done)); });
  }
  // A client's change of an upload.
  void change(UploadId id, UploadChange change) {
    ChangeRequest request;
    request.account = kAccount;
    request.id = id;
    request.change = change;
    node.uploads.change(request).value();
  }
  Upload look(UploadId id, AccountId account = kAccount) {
    UploadQuery query;
    query.ids = {id};
    return node.uploads.find(account, query).value().at(0);
  }
  // The multipart uploads that the reaper must abort or look for.
  std::vector<AbandonedMultipart> abandoned() { return ledger.abandoned(std::nullopt, 1000).value(); }

  ManualClock clock;
  memory::MemoryDatabase database{clock, [](const Upload&) { return std::string("body"); }, since_boot,
                                  [](AccountId) { return kDefaultWeight; }};
  memory::MemoryNode node{database, {1, 1}};
  memory::MemoryNode other{database, {2, 1}};
  memory::MemoryMultipartLedger ledger{database};

 private:
  int inserted_ = 0;
};

// kAccount with the bucket "b".
class OneBucket {
 public:
  OneBucket() {
    Account account;
    account.cdn = kAccount;
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

}  // namespace vodlift::worker
