// What every test of the conformance suite stands on: one implementation, fresh, with a clock that is set by hand.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/account_store.h"
#include "core/bandwidth_limit.h"
#include "core/multipart_ledger.h"
#include "core/upload_store.h"

namespace vodlift::conformance {

// Starts in the middle of 2023 and moves only when told. Any thread.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return from_unix_ms(now_ms_.load()); }
  void advance(std::chrono::milliseconds by) { now_ms_ += by.count(); }

 private:
  std::atomic<std::int64_t> now_ms_{1'690'000'000'000};
};

// One implementation with storage of its own, empty at first.
class StoreUnderTest {
 public:
  StoreUnderTest() = default;
  StoreUnderTest(const StoreUnderTest&) = delete;
  StoreUnderTest& operator=(const StoreUnderTest&) = delete;
  virtual ~StoreUnderTest() = default;

  virtual UploadStore& uploads() = 0;
  virtual AccountStore& accounts() = 0;
  virtual MultipartLedger& ledger() = 0;
  virtual BandwidthLimits& limits() = 0;
  // Closes everything in order and opens it again on the same storage.
  virtual void reopen() = 0;
};

// What the stores are built with: callback bodies are "<id> <state> <callback state>".
std::string test_callback_body(const Upload& ended);

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<StoreUnderTest>(const Clock& clock)> make;
};
std::vector<Implementation> implementations();

class StoreSuite : public testing::TestWithParam<Implementation> {
 protected:
  static constexpr AccountId kAccount = 158;
  static constexpr std::chrono::milliseconds kLease{60'000};
  static constexpr int kMaxCrashes = 3;

  void SetUp() override { store_ = GetParam().make(clock_); }

  UploadStore& uploads() { return store_->uploads(); }
  AccountStore& accounts() { return store_->accounts(); }
  MultipartLedger& ledger() { return store_->ledger(); }
  BandwidthLimits& limits() { return store_->limits(); }
  void reopen() { store_->reopen(); }

  // An unsigned request for an object of its own, created now.
  NewUpload new_upload(const std::string& destination, int priority = 5);
  // Inserts and waits for the answer, which must be a success.
  InsertOutcome insert(NewUpload upload);
  UploadId insert(const std::string& destination, int priority = 5) {
    return insert(new_upload(destination, priority)).id;
  }

  // The uploads claimed now / their ids; the call must succeed.
  std::vector<ClaimedUpload> claim(int limit = 100);
  std::vector<UploadId> claim_ids(int limit = 100);
  // Claims exactly one.
  ClaimedUpload claim_one();
  std::vector<ClaimedCallback> claim_callbacks(int limit = 100);

  // The upload as its account sees it now; it must be there.
  Upload look(UploadId id, AccountId account = kAccount);

  static UploadStore::Ending completed(std::int64_t size = 1000);
  static UploadStore::Ending failed(Errc code = Errc::s3_access_denied);
  static MultipartJournal journal(std::int64_t size);
  static Part part(int number, std::int64_t size);

  ManualClock clock_;
  std::unique_ptr<StoreUnderTest> store_;
};

// Runs a suite against all implementations.
#define VODLIFT_INSTANTIATE_CONFORMANCE(suite)                                                         \
  INSTANTIATE_TEST_SUITE_P(Every, suite, testing::ValuesIn(::vodlift::conformance::implementations()), \
                           [](const auto& each) { return each.param.name; })

}  // namespace vodlift::conformance
