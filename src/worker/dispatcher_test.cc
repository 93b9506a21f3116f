#include "worker/dispatcher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>

#include "worker/fakes_test.h"

namespace vodlift::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

ClaimedUpload upload_of(UploadId id, std::int64_t fence) {
  ClaimedUpload claimed;
  claimed.lease = {id, fence};
  claimed.upload.id = id;
  claimed.upload.account = 158;
  claimed.upload.request.bucket = "b";
  claimed.upload.request.path = "sestore1/a/b.mp4";
  return claimed;
}

struct GivenBack {
  Lease lease;
  Requeue how;
};

// A queue whose claims are scripted: the nth claim answers on_claim(n), n from 1.
class ScriptedUploads final : public MemoryUploads {
 public:
  using Claimed = Result<std::vector<ClaimedUpload>>;

  // As many as there are places, so that each look leads to a claim.
  Result<Candidates> candidates(const CandidateQuery& query) override {
    Candidate one;
    one.account = 1;
    for (int i = 0; i < query.places.all; ++i) one.small.push_back({1 + i, 1});
    return Candidates{{one}};
  }
  Claimed claim(const std::vector<UploadId>&, milliseconds) override { return on_claim(++claims_); }
  Result<std::vector<HeldLease>> renew(const std::vector<Lease>& leases, milliseconds) override {
    return on_renew ? on_renew(leases) : all_held(leases);
  }
  void requeue(const Lease& lease, Requeue how, Done done) override {
    done({});
    if (watched != 0 && lease.id != watched) return;
    if (!given_back_once_.exchange(true)) given_back.set_value({lease, std::move(how)});
  }
  void finish(const Lease&, UploadEnding, Done done) override { done({}); }
  Result<int> rescue(int) override {
    ++rescues;
    return 0;
  }
  Result<std::optional<milliseconds>> next_due() override { return std::optional<milliseconds>(0ms); }

  std::function<Claimed(int)> on_claim;
  std::function<Result<std::vector<HeldLease>>(const std::vector<Lease>&)> on_renew;
  UploadId watched = 0;                // whose giving back counts; 0: anybody's
  std::promise<GivenBack> given_back;  // the first
  std::atomic<int> rescues = 0;

 private:
  int claims_ = 0;
  std::atomic<bool> given_back_once_ = false;
};

// No file is there; on_open(n) is called before the nth open says so.
class MissingFiles final : public Storages {
 public:
  Result<std::unique_ptr<SourceFile>> open(const SourcePath&) override {
    if (on_open) on_open(++opened);
    return Error{Errc::source_not_found, "file does not exist"};
  }
  std::vector<StorageInfo> list() override { return {}; }
  void list_files(FileQuery, std::function<void(Result<FileList>)> done) override {
    done(Error{Errc::internal, "not for this test"});
  }
  std::function<void(int)> on_open;
  std::atomic<int> opened = 0;
};

class DispatcherTest : public testing::Test {
 protected:
  Dispatcher& start(Options options) {
    dispatcher_.emplace(Dispatcher::Ports{uploads, uploads, feed, accounts_.directory, files, objects_, clock_},
                        options);
    dispatcher_->start();
    return *dispatcher_;
  }

  ScriptedUploads uploads;
  MissingFiles files;
  LocalChangeFeed feed;

 private:
  OneBucket accounts_;
  MemoryObjects objects_;
  StoppedClock clock_;
  std::optional<Dispatcher> dispatcher_;
};

// Counts down when the thread that planted it ends.
struct AtThreadEnd {
  std::latch* latch = nullptr;
  ~AtThreadEnd() {
    if (latch != nullptr) latch->count_down();
  }
};

TEST_F(DispatcherTest, WhatAClaimBringsAfterTheSlotsLeftIsGivenBack) {
  uploads.watched = 3;
  std::latch both_run(2);
  std::latch slots_gone(2);
  std::promise<void> claiming;
  files.on_open = [&](int) {
    thread_local AtThreadEnd end;
    end.latch = &slots_gone;
    both_run.arrive_and_wait();
  };
  uploads.on_claim = [&](int nth) -> ScriptedUploads::Claimed {
    if (nth == 1) return std::vector{upload_of(1, 1), upload_of(2, 1)};
    claiming.set_value();
    slots_gone.wait();
    return std::vector{upload_of(3, 1)};
  };
  Dispatcher& dispatcher = start({.uploads = 2});
  claiming.get_future().wait();
  const auto asked = steady_clock::now();
  dispatcher.stop(20s);
  EXPECT_LT(steady_clock::now() - asked, 20s);
  auto given_back = uploads.given_back.get_future();
  ASSERT_EQ(given_back.wait_for(0s), std::future_status::ready);
  const GivenBack back = given_back.get();
  EXPECT_EQ(back.lease.id, 3);
  EXPECT_FALSE(back.how.failed_attempt);
}

TEST_F(DispatcherTest, WhatWaitsBehindALongRunIsGivenBack) {
  std::latch release(1);
  files.on_open = [&](int nth) {
    if (nth == 2) release.wait();
  };
  uploads.on_claim = [](int nth) -> ScriptedUploads::Claimed {
    if (nth == 1) return std::vector{upload_of(1, 1)};
    if (nth == 2) return std::vector{upload_of(2, 1), upload_of(3, 1)};
    return std::vector<ClaimedUpload>();
  };
  Dispatcher& dispatcher = start({.uploads = 1});
  auto given_back = uploads.given_back.get_future();
  const bool in_time = given_back.wait_for(10s) == std::future_status::ready;
  release.count_down();
  dispatcher.stop(1s);
  ASSERT_TRUE(in_time);
  const GivenBack back = given_back.get();
  EXPECT_EQ(back.lease.id, 3);
  EXPECT_FALSE(back.how.failed_attempt);
}

TEST_F(DispatcherTest, NothingIsRescuedWhileLeasesCannotBeRenewed) {
  std::latch release(1);
  std::promise<int> third;
  int renewals = 0;
  int rescued_before = 0;
  files.on_open = [&](int) { release.wait(); };
  uploads.on_claim = [](int nth) -> ScriptedUploads::Claimed {
    if (nth == 1) return std::vector{upload_of(1, 1)};
    return std::vector<ClaimedUpload>();
  };
  uploads.on_renew = [&](const std::vector<Lease>&) -> Result<std::vector<HeldLease>> {
    if (++renewals == 1) rescued_before = uploads.rescues;
    if (renewals == 3) third.set_value(uploads.rescues);
    return Error{Errc::store_failed, "disk full"};
  };
  Dispatcher& dispatcher = start({.uploads = 1, .housekeeping = 10ms});
  const int rescued = third.get_future().get();
  release.count_down();
  dispatcher.stop(1s);
  EXPECT_EQ(rescued, rescued_before);
}

TEST_F(DispatcherTest, AnUploadIsNeverRunTwiceAtOnce) {
  std::latch opened(1);
  std::latch release(1);
  files.on_open = [&](int) {
    opened.count_down();
    release.wait();
  };
  uploads.on_claim = [&](int nth) -> ScriptedUploads::Claimed {
    if (nth == 1) return std::vector{upload_of(1, 1)};
    if (nth > 2) return std::vector<ClaimedUpload>();
    opened.wait();
    return std::vector{upload_of(1, 2)};
  };
  Dispatcher& dispatcher = start({.uploads = 2, .housekeeping = 10ms});
  auto given_back = uploads.given_back.get_future();
  const bool in_time = given_back.wait_for(10s) == std::future_status::ready;
  release.count_down();
  dispatcher.stop(1s);
  ASSERT_TRUE(in_time);
  const GivenBack back = given_back.get();
  EXPECT_EQ(back.lease.fence, 2);
  EXPECT_EQ(back.how.delay, 5s);
  EXPECT_FALSE(back.how.failed_attempt);
  EXPECT_EQ(files.opened, 1);
}

TEST_F(DispatcherTest, AFailedClaimIsNotRepeatedAtOnce) {
  steady_clock::time_point first;
  std::promise<milliseconds> pause;
  uploads.on_claim = [&](int nth) -> ScriptedUploads::Claimed {
    if (nth == 1) first = steady_clock::now();
    if (nth == 2) pause.set_value(std::chrono::ceil<milliseconds>(steady_clock::now() - first));
    feed.publish({Change::Kind::uploads_due});
    return Error{Errc::store_failed, "disk full"};
  };
  Dispatcher& dispatcher = start({.uploads = 1});
  EXPECT_GE(pause.get_future().get(), 1s);
  dispatcher.stop(0ms);
}

}  // namespace
}  // namespace vodlift::worker
