// Two nodes over one database: neither takes, changes or loses what is the other's.
#include <fmt/format.h>

#include <atomic>
#include <latch>
#include <mutex>
#include <set>
#include <thread>

#include "conformance/postgres_under_test.h"
#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using namespace std::chrono_literals;

class NodeConformance : public StoreSuite {
 protected:
  void SetUp() override {
    StoreSuite::SetUp();
    other_.emplace(store_->open_node("second"));
  }
  void TearDown() override { other_.reset(); }

  // The second node dies without a word and starts again.
  void restart_other() { other_.emplace(store_->open_node("second")); }

  static std::vector<ClaimedUpload> claim_at(const NodeStores& node, int limit) {
    FairShare share;
    return claim_next(node.queue, share, {limit, limit}, kLease).value();
  }

  static UploadId insert_at(const NodeStores& node, NewUpload upload) {
    return insert_into(node.uploads, std::move(upload)).id;
  }

  UploadId insert_from(const std::string& storage, int priority = 5) {
    NewUpload upload = new_upload(fmt::format("{}/{}", storage, ++inserted_), priority);
    upload.request.path = storage + "/jb/film.mp4";
    return insert_at(*node_, std::move(upload));
  }
  static std::vector<UploadId> ids_of(const std::vector<ClaimedUpload>& claimed) {
    std::vector<UploadId> ids;
    for (const ClaimedUpload& one : claimed) ids.push_back(one.lease.id);
    return ids;
  }

  std::optional<NodeStores> other_;
  int inserted_ = 0;
};

// Of the nodes `first` and `second`.
class StorageConformance : public NodeConformance {
 protected:
  void SetUp() override {
    NodeConformance::SetUp();
    if (!store_->offers_by_storage()) GTEST_SKIP() << "it offers all to its one node";
    have(*node_, {"sestore1", "sestore2"});
    have(*other_, {"sestore2", "sestore3"});
  }

  void have(const NodeStores& node, std::vector<std::string> storages) {
    ASSERT_TRUE(nodes().describe(node.self, {.storages = std::move(storages)}));
  }
};

TEST_P(StorageConformance, ANodeIsOfferedWhatLiesOnItsStorages) {
  const UploadId third = insert_from("sestore3", 9);
  const UploadId first = insert_from("sestore1", 3);
  EXPECT_EQ(node_->queue.next_due().value(), 0ms);
  EXPECT_EQ(ids_of(claim_at(*node_, 10)), std::vector<UploadId>{first});
  EXPECT_EQ(node_->queue.next_due().value(), std::nullopt) << "another's is not awaited";
  EXPECT_EQ(ids_of(claim_at(*other_, 10)), std::vector<UploadId>{third});
}

TEST_P(StorageConformance, WhatSeveralHaveIsOfferedInOneOrder) {
  std::vector<UploadId> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(insert_from("sestore2"));
    clock_.advance(1ms);
    waiting.push_back(insert_from("sestore1"));
    clock_.advance(1ms);
  }
  const UploadId urgent = insert_from("sestore2", 9);
  waiting.insert(waiting.begin(), urgent);
  EXPECT_EQ(ids_of(claim_at(*other_, 1)), std::vector<UploadId>{urgent});
  waiting.erase(waiting.begin());
  EXPECT_EQ(ids_of(claim_at(*node_, 4)), std::vector<UploadId>(waiting.begin(), waiting.begin() + 4));
  EXPECT_EQ(ids_of(claim_at(*other_, 4)), std::vector<UploadId>{waiting[4]});
  EXPECT_EQ(ids_of(claim_at(*node_, 4)), std::vector<UploadId>{waiting[5]});
}

TEST_P(StorageConformance, AccountsAreListedOverAllStorages) {
  std::set<UploadId> all;
  for (AccountId account = 1; account <= 30; ++account) {
    NewUpload upload = new_upload(fmt::format("{}", account));
    upload.account = account;
    upload.request.path = fmt::format("sestore{}/jb/film.mp4", account % 3 + 1);
    all.insert(insert_at(*node_, upload));
    if (account % 3 != 2) continue;
    upload.request.destination_path += "large";
    upload.size = kLargeUploadBytes + 1;
    upload.request.path = "sestore2/jb/film.mp4";
    all.insert(insert_at(*node_, upload));
  }
  const auto mine = claim_at(*node_, 100);
  EXPECT_EQ(mine.size(), 30U) << "20 small ones and 10 large ones";
  for (const ClaimedUpload& one : mine) {
    EXPECT_NE(storage_of(one.upload.request.path), "sestore3");
    EXPECT_TRUE(one.storage_is_known);
    all.erase(one.lease.id);
  }
  const auto theirs = ids_of(claim_at(*other_, 100));
  EXPECT_EQ(std::set<UploadId>(theirs.begin(), theirs.end()), all);
}

TEST_P(StorageConformance, WhatNoNodeHasIsOfferedToAll) {
  const UploadId id = insert_from("sestore9");
  const auto claimed = claim_at(*other_, 10);
  ASSERT_EQ(ids_of(claimed), std::vector<UploadId>{id});
  EXPECT_FALSE(claimed[0].storage_is_known) << "it is to be ended";
}

TEST_P(StorageConformance, ALostNodesStoragesAreItsOwnUntilItIsForgotten) {
  const UploadId id = insert_from("sestore3");
  clock_.advance(kNodeForgottenAfter - 1ms);
  ASSERT_TRUE(nodes().beat(node_->self));
  EXPECT_TRUE(claim_at(*node_, 10).empty());
  EXPECT_EQ(uploads().queue({}).value().nowhere, std::vector<std::string>{"sestore3"});
  EXPECT_EQ(uploads().queue(kAccount).value().nowhere, std::vector<std::string>{});
  clock_.advance(2ms);
  ASSERT_TRUE(nodes().beat(node_->self));
  EXPECT_EQ(nodes().list().value().size(), 1U);
  EXPECT_EQ(ids_of(claim_at(*node_, 10)), std::vector<UploadId>{id});
  EXPECT_EQ(nodes().beat(other_->self).error().code, Errc::lease_lost);
}

TEST_P(StorageConformance, WhatWaitsForANodeThatIsAwayIsTold) {
  insert_from("sestore2");
  insert_from("sestore3");
  EXPECT_TRUE(uploads().queue({}).value().nowhere.empty());
  ASSERT_TRUE(nodes().leave(other_->self));
  EXPECT_EQ(uploads().queue({}).value().nowhere, std::vector<std::string>{"sestore3"});
  restart_other();
  EXPECT_TRUE(uploads().queue({}).value().nowhere.empty()) << "it has what it had";
  clock_.advance(kNodeLostAfter + 1ms);
  EXPECT_EQ(uploads().queue({}).value().nowhere, std::vector<std::string>{"sestore3"}) << "whoever asks is alive";
  ASSERT_TRUE(nodes().beat(other_->self));
  EXPECT_TRUE(uploads().queue({}).value().nowhere.empty());
  NodeAbout calls{.storages = {"sestore2", "sestore3"}};
  calls.roles.worker = false;
  ASSERT_TRUE(nodes().describe(other_->self, calls));
  EXPECT_EQ(uploads().queue({}).value().nowhere, std::vector<std::string>{"sestore3"});
  EXPECT_TRUE(claim_at(*node_, 10).size() == 1) << "it is known all the same";
}

TEST_P(StorageConformance, AStorageIsAddedAndTakenAway) {
  const UploadId id = insert_from("sestore3");
  const Candidates before = node_->queue.candidates({{1, 1}, 1, 1, {}}).value();
  EXPECT_TRUE(before.accounts.empty());
  have(*node_, {"sestore3"});
  EXPECT_EQ(node_->queue.candidates({{1, 1}, 1, 1, {}}).value().accounts.size(), 1U);
  have(*node_, {"sestore1"});
  EXPECT_TRUE(node_->queue.claim({id}, kLease).value().empty()) << "it was listed before the storage went";
  have(*other_, {});
  EXPECT_EQ(ids_of(claim_at(*node_, 1)), std::vector<UploadId>{id}) << "nobody has it any more";
  const auto list = nodes().list().value();
  EXPECT_EQ(list[0].about.storages, std::vector<std::string>{"sestore1"});
  EXPECT_TRUE(list[1].about.storages.empty());
  const NodeTerm earlier = other_->self;
  restart_other();
  EXPECT_EQ(nodes().describe(earlier, {.storages = {"sestore5"}}).error().code, Errc::lease_lost);
}

TEST_P(StorageConformance, ASuspectIsOfferedToANodeWithItsStorage) {
  const UploadId id = insert_from("sestore3");
  for (int crash = 0; crash < kSuspectCrashes; ++crash) {
    ASSERT_EQ(other_->queue.claim({id}, kLease).value().size(), 1U);
    clock_.advance(kLease);
    ASSERT_EQ(node_->queue.rescue(kMaxCrashes).value(), 1);
  }
  EXPECT_EQ(node_->queue.next_suspect().value(), std::nullopt);
  ASSERT_TRUE(other_->queue.next_suspect().value());
  EXPECT_EQ(other_->queue.next_suspect().value()->id, id);
}

VODLIFT_INSTANTIATE_CONFORMANCE(StorageConformance);
INSTANTIATE_TEST_SUITE_P(ShortLooks, StorageConformance, testing::Values(postgres_that_surveys()), name_of);

TEST_P(NodeConformance, ANodeKeepsItsIdAndBeginsATerm) {
  const NodeTerm before = other_->self;
  EXPECT_NE(before.node, node_->self.node);
  restart_other();
  EXPECT_EQ(other_->self.node, before.node);
  EXPECT_EQ(other_->self.term, before.term + 1);
  EXPECT_EQ(nodes().join("").error().code, Errc::invalid_value);
  EXPECT_EQ(nodes().join(std::string(256, 'n')).error().code, Errc::invalid_value);
}

// An upload, a callback and an abandoned multipart upload, each put off while the clock is thirty days ahead.
TEST_P(NodeConformance, WhatWasPutOffUnderAWrongClockIsDueInTimeAfterIt) {
  const LongestWaits longest{1h, 27h, 6h};
  clock_.advance(24h * 30);
  NewUpload with_callback = new_upload("ended");
  with_callback.request.callback = "https://receiver.example/";
  insert_into(node_->uploads, with_callback);
  ASSERT_TRUE(finish(claim_one().lease, completed()));
  const auto account = node_->callbacks.due_accounts(0, 1).value().at(0);
  const auto receivers = node_->callbacks.due_receivers(account, "", 1, 1).value();
  const auto claimed = node_->callbacks.claim(receivers.at(0).ids, 1min).value();
  ASSERT_EQ(claimed.size(), 1U);
  CallbackAttempt refused;
  refused.delay = 24h;
  ASSERT_TRUE(node_->callbacks.record({{claimed[0], refused}}));
  insert("film");
  const Lease lease = claim_one().lease;
  ASSERT_TRUE(journal().intend(lease, {"https://s3.example", "bucket", "film"}));
  ASSERT_TRUE(requeue(lease, Requeue{1h, std::nullopt, true}));
  const auto abandoned = ledger().abandoned(std::nullopt, 10).value();
  ASSERT_EQ(abandoned.size(), 1U);
  ASSERT_TRUE(ledger().postpone(abandoned[0].id, 6h, "no answer"));

  ASSERT_TRUE(nodes().shorten_waits(longest));
  EXPECT_EQ(node_->callbacks.next_due().value(), 24h) << "what waits in its time stays";
  clock_.advance(-24h * 30);
  EXPECT_GT(node_->queue.next_due().value(), 24h * 29);
  ASSERT_TRUE(nodes().shorten_waits(longest));
  EXPECT_EQ(node_->queue.next_due().value(), 1h);
  EXPECT_EQ(node_->callbacks.next_due().value(), 27h);
  EXPECT_EQ(ledger().next_due().value(), 6h);
}

TEST_P(NodeConformance, BeatsAndLeavingAreSeen) {
  const WallTime joined = clock_.now();
  clock_.advance(10s);
  ASSERT_TRUE(nodes().beat(other_->self));
  clock_.advance(5s);
  ASSERT_TRUE(nodes().leave(node_->self));
  const auto list = nodes().list().value();
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].name, "first");
  EXPECT_EQ(list[0].self, node_->self);
  EXPECT_EQ(list[0].left, joined + 15s);
  EXPECT_EQ(list[1].started, joined);
  EXPECT_EQ(list[1].last_beat, joined + 10s);
  EXPECT_EQ(list[1].left, std::nullopt);
  EXPECT_EQ(list[0].state, NodeState::stopped);
  EXPECT_EQ(list[1].state, NodeState::alive);
  clock_.advance(kNodeLostAfter - 5s);
  EXPECT_EQ(nodes().list().value()[1].state, NodeState::alive);
  clock_.advance(1ms);
  EXPECT_EQ(nodes().list().value()[1].state, NodeState::lost);
}

TEST_P(NodeConformance, ANodeTellsWhatItHas) {
  NodeAbout about{.version = "1.2.3", .storages = {"sestore1", "sestore2"}};
  about.roles.panel = false;
  ASSERT_TRUE(nodes().describe(node_->self, about));
  EXPECT_EQ(nodes().list().value()[0].about, about);
  about = {.version = "1.2.4", .storages = {"sestore2"}, .draining = true};
  ASSERT_TRUE(nodes().describe(node_->self, about));
  EXPECT_EQ(nodes().list().value()[0].about, about);
  EXPECT_EQ(nodes().list().value()[0].state, NodeState::draining);
}

TEST_P(NodeConformance, ANodeShowsWhatItRuns) {
  NewUpload upload = new_upload("a");
  upload.request.callback = "http://www.example.com/";
  insert(upload);
  ASSERT_TRUE(finish_at(queue(), claim_at(*node_, 1).at(0).lease, completed()));
  ASSERT_EQ(claim_callbacks().size(), 1U);
  insert("b");
  insert("c");
  const auto claimed = claim_at(*node_, 2);
  ASSERT_EQ(claimed.size(), 2U);
  NodeInfo node = nodes().list().value()[0];
  EXPECT_EQ(node.uploads, 2);
  EXPECT_EQ(node.callbacks, 1);
  EXPECT_EQ(node.leases_until, clock_.now() + kLease);
  clock_.advance(10s);
  ASSERT_EQ(queue().renew({claimed[0].lease, claimed[1].lease}, kLease).value().size(), 2U);
  EXPECT_EQ(nodes().list().value()[0].leases_until, clock_.now() + kLease);
  for (const ClaimedUpload& one : claimed) ASSERT_TRUE(finish_at(queue(), one.lease, completed()));
  node = nodes().list().value()[0];
  EXPECT_EQ(node.uploads, 0);
  EXPECT_EQ(node.leases_until, std::nullopt);
}

TEST_P(NodeConformance, AnEarlierTermIsNotAliveAnyMore) {
  const NodeTerm before = other_->self;
  restart_other();
  EXPECT_EQ(nodes().beat(before).error().code, Errc::lease_lost);
  EXPECT_EQ(nodes().leave(before).error().code, Errc::lease_lost);
  EXPECT_TRUE(nodes().beat(other_->self));
  EXPECT_EQ(nodes().list().value()[1].left, std::nullopt);
}

TEST_P(NodeConformance, ClaimersNeverShare) {
  constexpr int kUploads = 200;
  for (int i = 0; i < kUploads; ++i) insert(std::to_string(i));
  std::mutex mutex;
  std::multiset<UploadId> taken;
  std::vector<std::thread> threads;
  for (const NodeStores* node : {&*node_, &*other_}) {
    threads.emplace_back([&, node] {
      for (;;) {
        const auto claimed = claim_at(*node, 7);
        if (claimed.empty()) return;
        const std::lock_guard lock(mutex);
        for (const ClaimedUpload& one : claimed) taken.insert(one.lease.id);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::set<UploadId>(taken.begin(), taken.end()).size(), taken.size()) << "none twice";
  EXPECT_EQ(taken.size(), static_cast<std::size_t>(kUploads));
}

TEST_P(NodeConformance, AStartTakesBackItsOwnNodesLeasesOnly) {
  const UploadId ours = insert("a");
  ASSERT_EQ(claim_at(*node_, 1).size(), 1U);
  const UploadId theirs = insert("b");
  ASSERT_EQ(claim_at(*other_, 1).size(), 1U);
  EXPECT_EQ(other_->queue.reclaim(kMaxCrashes).value(), 0) << "this term's own";
  restart_other();
  EXPECT_EQ(other_->queue.reclaim(kMaxCrashes).value(), 1);
  EXPECT_EQ(look(theirs).state, UploadState::queued);
  EXPECT_EQ(look(ours).state, UploadState::uploading);
}

TEST_P(NodeConformance, ALostNodesUploadsAreRescuedByAnother) {
  const UploadId id = insert("a");
  const Lease lost = claim_at(*other_, 1).at(0).lease;
  EXPECT_EQ(queue().rescue(kMaxCrashes).value(), 0);
  clock_.advance(kLease);
  EXPECT_EQ(queue().rescue(kMaxCrashes).value(), 1);
  const auto again = claim_at(*node_, 1);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].lease.id, id);
  EXPECT_GT(again[0].lease.fence, lost.fence);
  // The lost node comes back: everything it says is refused.
  EXPECT_EQ(finish_at(other_->queue, lost, completed()).error().code, Errc::lease_lost);
  EXPECT_EQ(requeue_at(other_->queue, lost, {}).error().code, Errc::lease_lost);
  EXPECT_EQ(other_->journal.record_multipart(lost, open_multipart(1000)).error().code, Errc::lease_lost);
  EXPECT_EQ(other_->journal.intend(lost, {"https://s3.example", "b", "k"}).error().code, Errc::lease_lost);
  EXPECT_TRUE(other_->queue.renew({lost}, kLease).value().empty());
  EXPECT_EQ(look(id).state, UploadState::uploading);
  EXPECT_TRUE(finish_at(queue(), again[0].lease, completed()));
}

TEST_P(NodeConformance, ARenewedLeaseIsNotRescuedByAnother) {
  insert("a");
  const Lease lease = claim_at(*other_, 1).at(0).lease;
  clock_.advance(kLease - 1ms);
  ASSERT_EQ(other_->queue.renew({lease}, kLease).value().size(), 1U);
  clock_.advance(1ms);
  EXPECT_EQ(queue().rescue(kMaxCrashes).value(), 0);
}

TEST_P(NodeConformance, UploadsToOneObjectKeepTheirOrder) {
  constexpr int kEach = 20;
  std::vector<std::thread> threads;
  for (const NodeStores* node : {&*node_, &*other_}) {
    threads.emplace_back([&, node] {
      for (int i = 0; i < kEach; ++i) insert_at(*node, new_upload("same"));
    });
  }
  for (std::thread& thread : threads) thread.join();

  std::vector<UploadId> order;
  for (int i = 0; i < 2 * kEach; ++i) {
    const NodeStores& first = i % 2 == 0 ? *node_ : *other_;
    const NodeStores& second = i % 2 == 0 ? *other_ : *node_;
    const auto claimed = claim_at(first, 10);
    ASSERT_EQ(claimed.size(), 1U) << "one at a time";
    EXPECT_TRUE(claim_at(second, 10).empty());
    order.push_back(claimed[0].lease.id);
    ASSERT_TRUE(finish_at(first.queue, claimed[0].lease, completed()));
  }
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST_P(NodeConformance, AChainKeepsItsOrderWhenLinksAreCancelled) {
  std::vector<UploadId> chain;
  for (int i = 0; i < 5; ++i) chain.push_back(insert_at(i % 2 == 0 ? *node_ : *other_, new_upload("same")));
  ChangeRequest cancel;
  cancel.account = kAccount;
  for (const std::size_t index : {1U, 2U}) {
    cancel.id = chain[index];
    ASSERT_TRUE(other_->uploads.change(cancel));
  }
  const auto first = claim_at(*node_, 10);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].lease.id, chain[0]);
  ASSERT_TRUE(finish_at(queue(), first[0].lease, failed()));
  const auto next = claim_at(*other_, 10);
  ASSERT_EQ(next.size(), 1U);
  EXPECT_EQ(next[0].lease.id, chain[3]);
}

TEST_P(NodeConformance, TheSameSignedBytesAtBothNodesMakeOneUpload) {
  for (int round = 0; round < 20; ++round) {
    NewUpload upload = new_upload(fmt::format("{}", round));
    upload.key_id = 7;
    upload.signature = {to_unix_seconds(clock_.now()), std::string(31, 'm') + static_cast<char>('a' + round)};
    constexpr int kEach = 4;
    std::latch answered(2 * kEach);
    std::mutex mutex;
    std::set<UploadId> ids;
    int fresh = 0;
    std::vector<std::thread> threads;
    for (const NodeStores* node : {&*node_, &*other_}) {
      threads.emplace_back([&, node] {
        for (int i = 0; i < kEach; ++i) {
          node->uploads.insert(upload, [&](const Result<InsertOutcome>& outcome) {
            {
              const std::lock_guard lock(mutex);
              ids.insert(outcome.value().id);
              fresh += outcome->repeated ? 0 : 1;
            }
            answered.count_down();
          });
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    answered.wait();
    EXPECT_EQ(ids.size(), 1U);
    EXPECT_EQ(fresh, 1);
    EXPECT_EQ(other_->uploads.find_repeat(7, upload.signature).value(), *ids.begin());
  }
}

TEST_P(NodeConformance, AChangeAtOneNodeRecallsTheUploadFromTheOther) {
  const UploadId id = insert("a");
  const Lease lease = claim_at(*other_, 1).at(0).lease;
  std::vector<UploadId> recalled;
  const auto subscription =
      feed().subscribe(Change::Kind::upload_recalled, [&](const Change& change) { recalled.push_back(change.upload); });
  ChangeRequest cancel;
  cancel.account = kAccount;
  cancel.id = id;
  ASSERT_TRUE(uploads().change(cancel));
  EXPECT_EQ(recalled, std::vector<UploadId>{id});
  EXPECT_TRUE(other_->queue.renew({lease}, kLease).value().at(0).recalled) << "also for a node that missed the news";
  ASSERT_TRUE(requeue_at(other_->queue, lease, {}));
  EXPECT_EQ(look(id).state, UploadState::cancelled);
}

TEST_P(NodeConformance, CallbacksAreDeliveredOnceAndTakenBackByTheirNode) {
  NewUpload upload = new_upload("a");
  upload.request.callback = "http://www.example.com/";
  insert(upload);
  ASSERT_TRUE(finish_at(queue(), claim_at(*node_, 1).at(0).lease, completed()));
  ASSERT_EQ(claim_callbacks_at(other_->callbacks).size(), 1U);
  EXPECT_TRUE(claim_callbacks().empty());
  ASSERT_TRUE(callbacks().reclaim());
  EXPECT_TRUE(claim_callbacks().empty()) << "another node's";
  restart_other();
  ASSERT_TRUE(other_->callbacks.reclaim());
  EXPECT_EQ(claim_callbacks().size(), 1U);
}

TEST_P(NodeConformance, TheFeedEndsWithItsSubscription) {
  std::atomic<int> heard = 0;
  auto subscription = feed().subscribe(Change::Kind::uploads_due, [&](const Change&) { ++heard; });
  insert_at(*other_, new_upload("a"));
  (void)look(1);
  clock_.advance(1ms);
  const int before = heard;
  subscription.reset();
  insert_at(*other_, new_upload("b"));
  EXPECT_EQ(heard, before);
}

VODLIFT_INSTANTIATE_CONFORMANCE(NodeConformance);
INSTANTIATE_TEST_SUITE_P(ShortLooks, NodeConformance, testing::Values(postgres_that_is_told(), postgres_that_surveys()),
                         name_of);

}  // namespace
}  // namespace vodlift::conformance
