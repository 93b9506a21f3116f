// Many threads at once: nothing twice, nothing lost.
#include <fmt/format.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

class ConcurrencyConformance : public StoreSuite {
 protected:
  static constexpr int kThreads = 4;
  static constexpr int kUploads = 400;
};

TEST_P(ConcurrencyConformance, ClaimersNeverShare) {
  for (int i = 0; i < kUploads; ++i) insert(std::to_string(i));
  std::mutex mutex;
  std::multiset<UploadId> taken;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      FairShare share;
      while (!queue().candidates({{1, 1}, 1, 1, {}}).value().accounts.empty()) {
        // All choose the same, so that most claims find some of it taken.
        const auto claimed = claim_next(queue(), share, {7, 7}, kLease).value();
        const std::lock_guard lock(mutex);
        for (const ClaimedUpload& one : claimed) taken.insert(one.lease.id);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(taken.size(), static_cast<std::size_t>(kUploads));
  EXPECT_EQ(std::set<UploadId>(taken.begin(), taken.end()).size(), taken.size());
}

TEST_P(ConcurrencyConformance, SubmittingWorkingAndLookingAtOnce) {
  std::atomic<int> finished = 0;
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kUploads / 2; ++i) {
        NewUpload upload = new_upload(fmt::format("{}/{}", t, i % 50));
        upload.request.callback = "http://www.example.com/";
        insert(std::move(upload));
      }
    });
    threads.emplace_back([&] {
      FairShare share;
      while (finished < kUploads) {
        for (const auto& claimed : claim_next(queue(), share, {5, 5}, kLease).value()) {
          EXPECT_EQ(queue().renew({claimed.lease}, kLease).value().size(), 1U);
          EXPECT_TRUE(finish(claimed.lease, completed()));
          ++finished;
        }
      }
    });
  }
  std::thread looker([&] {
    while (!stop) {
      EXPECT_TRUE(uploads().find(kAccount, {}));
      EXPECT_TRUE(queue().next_due());
    }
  });
  for (auto& thread : threads) thread.join();
  stop = true;
  looker.join();
  EXPECT_EQ(claim_callbacks(1000).size(), static_cast<std::size_t>(kUploads));
}

TEST_P(ConcurrencyConformance, AnEndHappensOnce) {
  for (int round = 0; round < 50; ++round) {
    NewUpload upload = new_upload("same");
    upload.request.callback = "http://www.example.com/";
    insert(upload);
    const Lease lease = claim_one().lease;
    std::atomic<int> successes = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        if (finish(lease, t % 2 == 0 ? completed() : failed())) ++successes;
      });
    }
    for (auto& thread : threads) thread.join();
    ASSERT_EQ(successes, 1);
    ASSERT_EQ(claim_callbacks().size(), 1U);
  }
}

VODLIFT_INSTANTIATE_CONFORMANCE(ConcurrencyConformance);

}  // namespace
}  // namespace vodlift::conformance
