#include "worker/dispatcher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <optional>

#include "worker/fakes_test.h"
#include "worker/watched_ports_test.h"

namespace vodlift::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

// No file is there; on_open(n) is called before the nth open says so.
class MissingFiles final : public Storages {
 public:
  Result<std::unique_ptr<SourceFile>> open(const SourcePath&) override {
    if (on_open) on_open(++opened);
    return Error{Errc::source_not_found, "file does not exist"};
  }
  std::optional<Result<std::unique_ptr<SourceFile>>> open_cached(const SourcePath&) override { return std::nullopt; }
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
    dispatcher_.emplace(Dispatcher::Ports{queue_, stores_.node.journal, stores_.database.feed(), accounts_.directory,
                                          files_, objects_, stores_.clock},
                        options);
    dispatcher_->start();
    return *dispatcher_;
  }
  // Counts down when the upload goes back into the queue.
  [[nodiscard]] ChangeFeed::Subscription count_returns(UploadId id, std::latch& returns) {
    return stores_.database.feed().subscribe(Change::Kind::uploads_due, [id, &returns](const Change& change) {
      if (change.upload == id && !returns.try_wait()) returns.count_down();
    });
  }
  // The upload was claimed and given back without being begun: it was due again after `delay`, and the claim that
  // counted as an attempt goes on.
  void expect_given_back(UploadId id, milliseconds delay = 0ms) {
    const Upload upload = stores_.look(id);
    EXPECT_EQ(upload.state, UploadState::queued);
    EXPECT_EQ(upload.attempts, 1);
    EXPECT_EQ(upload.next_attempt.value_or(stores_.clock.now()), stores_.clock.now() + delay);
    EXPECT_FALSE(upload.error);
    EXPECT_EQ(stores_.claim(id).upload.attempts, 1) << "it was no failed attempt";
  }

  Stores stores_;
  WatchedQueue queue_{stores_.node.queue};
  MissingFiles files_;

 private:
  OneBucket accounts_;
  MemoryObjects objects_;
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
  for (int i = 0; i < 3; ++i) stores_.insert();
  std::latch both_run(2);
  std::latch slots_gone(2);
  std::promise<void> claiming;
  files_.on_open = [&](int) {
    thread_local AtThreadEnd end;
    end.latch = &slots_gone;
    both_run.arrive_and_wait();
  };
  queue_.before["claim"] = [&, claims = 0]() mutable -> Result<> {
    if (++claims == 2) {
      claiming.set_value();
      slots_gone.wait();
    }
    return {};
  };
  Dispatcher& dispatcher = start({.uploads = 2});
  claiming.get_future().wait();
  const auto asked = steady_clock::now();
  dispatcher.stop(20s);
  EXPECT_LT(steady_clock::now() - asked, 20s);
  EXPECT_EQ(files_.opened, 2);
  expect_given_back(3);
}

TEST_F(DispatcherTest, WhatWaitsBehindALongRunIsGivenBack) {
  for (int i = 0; i < 3; ++i) stores_.insert();
  std::latch back(1);
  const auto subscription = count_returns(3, back);
  std::latch release(1);
  files_.on_open = [&](int nth) {
    if (nth == 2) release.wait();
  };
  Dispatcher& dispatcher = start({.uploads = 1});
  back.wait();
  EXPECT_EQ(stores_.look(2).state, UploadState::uploading);
  expect_given_back(3);
  release.count_down();
  dispatcher.stop(1s);
}

TEST_F(DispatcherTest, WhatTheDatabaseDoesNotTakeBackAtOnceIsGivenBackLater) {
  for (int i = 0; i < 3; ++i) stores_.insert();
  std::latch back(1);
  const auto subscription = count_returns(3, back);
  std::latch release(1);
  files_.on_open = [&](int nth) {
    if (nth == 2) release.wait();
  };
  queue_.before["requeue"] = [refused = 0]() mutable -> Result<> {
    return ++refused <= 3 ? Result<>(disk_full()) : Result<>();
  };
  Dispatcher& dispatcher = start({.uploads = 1});
  back.wait();
  expect_given_back(3);
  release.count_down();
  dispatcher.stop(1s);
}

TEST_F(DispatcherTest, NothingIsRescuedWhileLeasesCannotBeRenewed) {
  const UploadId id = stores_.insert();
  std::latch release(1);
  std::promise<void> third;
  files_.on_open = [&](int) { release.wait(); };
  // Both on the dispatcher's thread.
  int renewals = 0;
  int rescues = 0;
  std::atomic<bool> released = false;  // from then on the run may end, and with it the last lease
  queue_.before["renew"] = [&]() -> Result<> {
    // Whoever looks for leases that have expired finds this one.
    if (++renewals == 1) stores_.clock.pass(kLease);
    if (renewals == 3) third.set_value();
    return disk_full();
  };
  queue_.before["rescue"] = [&]() -> Result<> {
    if (renewals > 0 && !released) ++rescues;
    return {};
  };
  Dispatcher& dispatcher = start({.uploads = 1, .housekeeping = 10ms});
  third.get_future().wait();
  EXPECT_EQ(stores_.look(id).state, UploadState::uploading);
  EXPECT_EQ(stores_.other.queue.rescue(kMaxCrashes).value(), 1) << "it was there to be found";
  released = true;
  release.count_down();
  dispatcher.stop(1s);
  EXPECT_EQ(rescues, 0);
}

TEST_F(DispatcherTest, AnUploadIsNeverRunTwiceAtOnce) {
  const UploadId id = stores_.insert();
  std::latch opened(1);
  std::latch release(1);
  std::latch back(2);  // once from there, once from the dispatcher
  files_.on_open = [&](int) {
    opened.count_down();
    release.wait();
  };
  // Its lease expires before it is renewed, and another node takes the upload back.
  queue_.before["renew"] = [&, expired = false]() mutable -> Result<> {
    if (std::exchange(expired, true)) return {};
    opened.wait();
    stores_.clock.pass(kLease);
    EXPECT_EQ(stores_.other.queue.rescue(kMaxCrashes).value(), 1);
    return {};
  };
  const auto subscription = count_returns(id, back);
  Dispatcher& dispatcher = start({.uploads = 2, .housekeeping = 10ms});
  back.wait();
  expect_given_back(id, 5s);
  release.count_down();
  dispatcher.stop(1s);
  EXPECT_EQ(files_.opened, 1);
}

TEST_F(DispatcherTest, AFailedClaimIsNotRepeatedAtOnce) {
  const UploadId id = stores_.insert();
  steady_clock::time_point first;
  std::promise<milliseconds> pause;
  queue_.before["claim"] = [&, claims = 0]() mutable -> Result<> {
    if (++claims == 1) first = steady_clock::now();
    if (claims == 2) pause.set_value(std::chrono::ceil<milliseconds>(steady_clock::now() - first));
    stores_.database.feed().publish({Change::Kind::uploads_due});
    return disk_full();
  };
  Dispatcher& dispatcher = start({.uploads = 1});
  EXPECT_GE(pause.get_future().get(), 1s);
  dispatcher.stop(0ms);
  EXPECT_EQ(stores_.look(id).attempts, 0);
}

TEST_F(DispatcherTest, MoreUploadsBeginWhereMoreMayRun) {
  for (int i = 0; i < 4; ++i) stores_.insert();
  std::latch first(1);
  std::latch all(4);
  files_.on_open = [&](int nth) {
    if (nth == 1) first.count_down();
    all.arrive_and_wait();
  };
  Dispatcher& dispatcher = start({.uploads = 1});
  first.wait();
  dispatcher.use({.uploads = 4});
  all.wait();
  EXPECT_EQ(dispatcher.slots(), 4);
  dispatcher.stop(5s);
}

TEST_F(DispatcherTest, WhereFewerMayRunThoseThatRunGoOnAndNoOtherBegins) {
  for (int i = 0; i < 4; ++i) stores_.insert();
  std::latch both(2);
  std::latch release(1);
  std::atomic<int> at_once = 0;
  std::atomic<int> most_later = 0;
  std::latch ended(4);
  files_.on_open = [&](int nth) {
    const int now = ++at_once;
    if (nth <= 2) {
      both.count_down();
      release.wait();
    } else if (now > most_later) {
      most_later = now;
    }
    --at_once;
    ended.count_down();
  };
  Dispatcher& dispatcher = start({.uploads = 2});
  both.wait();
  dispatcher.use({.uploads = 1});
  release.count_down();
  ended.wait();
  dispatcher.stop(5s);
  EXPECT_LE(most_later, 2) << "one that begins while another ends";
}

}  // namespace
}  // namespace vodlift::worker
