// What every test of the conformance suite stands on: one implementation, fresh, with a clock that is set by hand.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/await.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/account_directory.h"
#include "core/attempt_history.h"
#include "core/bandwidth_limit.h"
#include "core/bandwidth_shares.h"
#include "core/callback_history.h"
#include "core/callback_queue.h"
#include "core/change_feed.h"
#include "core/multipart_journal.h"
#include "core/multipart_ledger.h"
#include "core/nodes.h"
#include "core/people.h"
#include "core/sessions.h"
#include "core/statistics.h"
#include "core/upload_retention.h"
#include "core/upload_store.h"
#include "core/work_queue.h"

namespace vodlift::conformance {

// Changes an account's weight.
inline std::function<Result<>(Account&)> weighing(int weight) {
  return [weight](Account& account) -> Result<> {
    account.weight = weight;
    return {};
  };
}

// Starts in the middle of 2023 and moves on request only. Any thread.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return from_unix_ms(now_ms_.load()); }
  // Sets the wall clock: forward, or back (negative).
  void advance(std::chrono::milliseconds by) { now_ms_ += by.count(); }
  // Lets time pass, on the clock that cannot be set too.
  void pass(std::chrono::milliseconds by) {
    uptime_ms_ += by.count();
    advance(by);
  }
  [[nodiscard]] std::chrono::milliseconds uptime() const { return std::chrono::milliseconds(uptime_ms_.load()); }

 private:
  std::atomic<std::int64_t> now_ms_{1'690'000'000'000};
  std::atomic<std::int64_t> uptime_ms_{300'000};
};

// The ports of the queue, opened in one node's name.
struct NodeStores {
  NodeTerm self;
  UploadStore& uploads;
  UploadRetention& retention;
  WorkQueue& queue;
  CallbackQueue& callbacks;
  MultipartJournal& journal;
};

// One implementation with storage of its own, empty at first.
class StoreUnderTest {
 public:
  StoreUnderTest() = default;
  StoreUnderTest(const StoreUnderTest&) = delete;
  StoreUnderTest& operator=(const StoreUnderTest&) = delete;
  virtual ~StoreUnderTest() = default;

  // Opens the ports in the name of a node, which begins a term by it. They are there until reopen().
  virtual NodeStores open_node(const std::string& name) = 0;
  // Whether a node is offered only uploads from storages that it has; else there is one node that matters.
  [[nodiscard]] virtual bool offers_by_storage() const { return false; }
  virtual Nodes& nodes() = 0;
  virtual ChangeFeed& feed() = 0;
  virtual AccountRepository& account_rows() = 0;
  virtual MultipartLedger& ledger() = 0;
  virtual BandwidthLimits& limits() = 0;
  // Null: there is one node.
  virtual BandwidthShares* shares() { return nullptr; }
  virtual AttemptHistory& attempt_history() = 0;
  virtual CallbackHistory& callback_history() = 0;
  virtual Statistics& statistics() = 0;
  virtual People& people() = 0;
  virtual Sessions& sessions() = 0;
  // How many uploads that have not ended an account may have, from the next reopen() on.
  virtual void set_most_open_uploads(std::int64_t most) = 0;
  // Closes everything in order and opens it again on the same storage.
  virtual void reopen() = 0;
};

// What the stores are built with: callback bodies are "<id> <state> <callback state>".
std::string test_callback_body(const Upload& ended);

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<StoreUnderTest>(const ManualClock& clock)> make;
};
std::vector<Implementation> implementations();
inline std::string name_of(const testing::TestParamInfo<Implementation>& each) { return each.param.name; }

class StoreSuite : public testing::TestWithParam<Implementation> {
 protected:
  static constexpr AccountId kAccount = 158;
  static constexpr std::chrono::milliseconds kLease{60'000};
  static constexpr int kMaxCrashes = 3;

  void SetUp() override {
    log::configure(log::Format::console, log::Level::warn);
    store_ = GetParam().make(clock_);
    open_node();
  }

  UploadStore& uploads() { return node_->uploads; }
  UploadRetention& retention() { return node_->retention; }
  WorkQueue& queue() { return node_->queue; }
  CallbackQueue& callbacks() { return node_->callbacks; }
  AttemptHistory& attempt_history() { return store_->attempt_history(); }
  Statistics& statistics() { return store_->statistics(); }
  CallbackHistory& callback_history() { return store_->callback_history(); }
  MultipartJournal& journal() { return node_->journal; }
  ChangeFeed& feed() { return store_->feed(); }
  Nodes& nodes() { return store_->nodes(); }
  AccountDirectory& accounts() { return *accounts_; }
  MultipartLedger& ledger() { return store_->ledger(); }
  BandwidthLimits& limits() { return store_->limits(); }
  // The node restarts.
  void reopen() {
    accounts_.reset();
    node_.reset();
    store_->reopen();
    open_node();
  }
  // The node restarts and takes back its uploads; answers how many.
  int reclaim(int max_crashes) {
    reopen();
    return queue().reclaim(max_crashes).value();
  }

  // An unsigned request for an object of its own, created now.
  NewUpload new_upload(const std::string& destination, int priority = 5);
  // Inserts and waits for the answer, which must be a success.
  InsertOutcome insert(NewUpload upload) { return insert_into(uploads(), std::move(upload)); }
  static InsertOutcome insert_into(UploadStore& uploads, NewUpload upload);
  UploadId insert(const std::string& destination, int priority = 5) {
    return insert(new_upload(destination, priority)).id;
  }

  // The uploads claimed now / their ids; the call must succeed.
  std::vector<ClaimedUpload> claim(const Places& places);
  std::vector<ClaimedUpload> claim(int limit = 100) { return claim({limit, limit}); }
  std::vector<UploadId> claim_ids(int limit = 100);
  // Claims exactly one.
  ClaimedUpload claim_one();
  // The first that are due, of the accounts and receivers in their order.
  std::vector<ClaimedCallback> claim_callbacks(int limit = 100);
  static std::vector<ClaimedCallback> claim_callbacks_at(CallbackQueue& queue, int limit = 100);

  // WorkQueue's calls of these names, at one node; each waits for the answer.
  static Result<> finish_at(WorkQueue& queue, const Lease& lease, const UploadEnding& ending) {
    return await<Result<>>([&](auto done) { queue.finish(lease, ending, std::move(done)); });
  }
  static Result<> requeue_at(WorkQueue& queue, const Lease& lease, const Requeue& how) {
    return await<Result<>>([&](auto done) { queue.requeue(lease, how, std::move(done)); });
  }
  Result<> finish(const Lease& lease, const UploadEnding& ending) { return finish_at(queue(), lease, ending); }
  Result<> requeue(const Lease& lease, const Requeue& how) { return requeue_at(queue(), lease, how); }

  // The upload as its account sees it now; it must be there.
  Upload look(UploadId id, AccountId account = kAccount);

  static UploadEnding completed(std::int64_t size = 1000);
  static UploadEnding failed(Errc code = Errc::s3_access_denied);
  static OpenMultipart open_multipart(std::int64_t size);
  static Part part(int number, std::int64_t size);

  ManualClock clock_;
  std::unique_ptr<StoreUnderTest> store_;
  std::optional<NodeStores> node_;
  std::unique_ptr<AccountDirectory> accounts_;
  FairShare share_;  // of that node

 private:
  void open_node() {
    node_.emplace(store_->open_node("first"));
    share_ = {};
    accounts_ = std::make_unique<AccountDirectory>(store_->account_rows());
    accounts_->refresh().value();
  }
};

// Runs a suite against all implementations.
#define VODLIFT_INSTANTIATE_CONFORMANCE(suite)                                                         \
  INSTANTIATE_TEST_SUITE_P(Every, suite, testing::ValuesIn(::vodlift::conformance::implementations()), \
                           ::vodlift::conformance::name_of)

}  // namespace vodlift::conformance
