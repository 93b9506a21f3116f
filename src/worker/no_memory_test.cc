#include "base/no_memory_test.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <utility>

#include "worker/callback_run.h"
#include "worker/dispatcher.h"
#include "worker/fakes_test.h"
#include "worker/part_sender.h"
#include "worker/watched_ports_test.h"

namespace vodlift::worker {
namespace {

using namespace std::chrono_literals;

TEST(NoMemory, LosesNoEndOfARun) {
  Stores stores;
  WatchedQueue queue(stores.node.queue);
  LeaseKeeper leases(queue);
  FairShare share;
  EndRecorder recorder(queue, leases, share, 2, [] {});
  std::shared_ptr<ActiveRun> run;
  const auto begin = [&] {
    run = std::make_shared<ActiveRun>();
    run->claimed = stores.claim(stores.insert());
    EXPECT_TRUE(leases.add(run));
  };
  begin();
  where_memory_ends(
      [&] {
        leases.leave_slot(*run);
        recorder.record(run, Requeue{1s});
        recorder.serve(std::chrono::steady_clock::now());
      },
      [&] {
        // What was not handed over is handed over again after a pause.
        for (int i = 0; i < 2; ++i) recorder.serve(std::chrono::steady_clock::now() + kBetweenRecordings);
        EXPECT_TRUE(recorder.idle());
        EXPECT_EQ(leases.taken().all, 0);
        EXPECT_EQ(stores.look(run->claimed.lease.id).state, UploadState::queued);
        begin();
      });
}

TEST(NoMemory, AnEndThatTheQueueLosesIsHandedOverAgain) {
  Stores stores;
  WatchedQueue queue(stores.node.queue);
  queue.before["requeue"] = [lost = false]() mutable -> Result<> {
    if (!std::exchange(lost, true)) throw std::runtime_error("lost");
    return {};
  };
  LeaseKeeper leases(queue);
  FairShare share;
  EndRecorder recorder(queue, leases, share, 2, [] {});
  const auto run = std::make_shared<ActiveRun>();
  run->claimed = stores.claim(stores.insert());
  ASSERT_TRUE(leases.add(run));
  leases.leave_slot(*run);
  recorder.record(run, Requeue{1s});
  for (int i = 0; i < 3; ++i) recorder.serve(std::chrono::steady_clock::now() + i * kBetweenRecordings);
  EXPECT_TRUE(recorder.idle());
  EXPECT_EQ(stores.look(run->claimed.lease.id).state, UploadState::queued);
}

// Where the loop of the dispatcher meets an exception, it looks at everything again.
TEST(NoMemory, LeavesNoUploadInTheQueue) {
  Stores stores;
  WatchedQueue queue(stores.node.queue);
  OneBucket accounts;
  MemoryObjects objects;
  MemoryStorages storages;
  storages.bytes = "x";
  for (const char* step : {"candidates", "claim"}) {
    std::atomic<int> failures = 3;
    queue.before[step] = [&]() -> Result<> {
      if (failures-- > 0) throw std::bad_alloc();
      return {};
    };
    std::promise<void> begun;
    storages.on_open = [&, opened = 0]() mutable {
      if (++opened == 1) begun.set_value();
    };
    stores.insert();
    Dispatcher dispatcher(
        {queue, stores.node.journal, stores.database.feed(), accounts.directory, storages, objects, stores.clock},
        {.uploads = 1});
    dispatcher.start();
    EXPECT_EQ(begun.get_future().wait_for(10s), std::future_status::ready) << step;
    dispatcher.stop(1s);
    queue.before.clear();
  }
}

// Throws, or drops what it should call, as often as it is told.
class ForgetfulSender final : public CallbackSender {
 public:
  ForgetfulSender(int throws, int drops) : throws_(throws), drops_(drops) {}

  void send(CallbackMessage, Done done) override {
    if (throws_-- > 0) throw std::bad_alloc();
    if (drops_-- > 0) return;
    ++sent;
    done(CallbackAnswer{204, {}});
  }
  std::atomic<int> sent = 0;

 private:
  int throws_;
  int drops_;
};

TEST(NoMemory, KeepsNoPlaceOfACallback) {
  constexpr int kLost = 2 * CallbackPlaces::kAll;
  constexpr int kAllCallbacks = kLost + 10;
  Stores stores;
  OneBucket accounts;
  std::promise<void> delivered;
  const auto subscription =
      stores.database.feed().subscribe(Change::Kind::callbacks_due, [&, ended = 0](const Change& change) mutable {
        if (change.upload == 0) return;
        const Upload upload = stores.look(change.upload, change.account);
        if (upload.callback_state == CallbackState::delivered && ++ended == kAllCallbacks) delivered.set_value();
      });
  for (int i = 0; i < kAllCallbacks; ++i) {
    UploadRequest request;
    request.bucket = "b";
    request.destination_path = std::to_string(i);
    request.callback = "http://receiver.example/";
    const UploadId id = stores.insert(request, 1000);
    ASSERT_TRUE(stores.finish(stores.claim(id).lease, UploadEnding()));
  }
  WatchedCallbacks queue(stores.node.callbacks);
  // Called where nothing more may go: the leases of those that were lost expire.
  queue.before["next_due"] = [&]() -> Result<> {
    stores.clock.pass(1min);
    stores.database.feed().publish({Change::Kind::callbacks_due});
    return {};
  };
  ForgetfulSender sender(kLost / 2, kLost / 2);
  const DisabledReceivers disabled{std::chrono::days(5)};
  CallbackRun run(queue, stores.database.feed(), accounts.directory, sender, disabled);
  run.start();
  EXPECT_EQ(delivered.get_future().wait_for(30s), std::future_status::ready) << sender.sent;
  run.stop();
}

TEST(NoMemory, TheAnswerOfAPartThatIsLostIsAnError) {
  MemoryObjects objects;
  PartSender::Job job;
  job.multipart = *objects.create_multipart({}, {});
  job.source = std::make_shared<MemorySource>(std::string(kMinPartBytes + 10, 'x'));
  job.plan = *plan_with_part_size(job.source->identity().size, kMinPartBytes);
  int asked = 0;
  objects.hold_part = [&](int number, const Body&, ObjectStore::PartDone done) {
    if (++asked > 2) done(StoredBytes{"\"p" + std::to_string(number) + "\"", "", "", "", 0});
  };
  RunControl control;
  int confirmed = 0;
  PartSender sender(objects, job, control, [&](const Part&) -> Result<> { return ++confirmed, Result<>(); });
  EXPECT_TRUE(sender.send({1, 2}));
  EXPECT_EQ(confirmed, 2);
}

}  // namespace
}  // namespace vodlift::worker
