#include "s3/credential_cache.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>

namespace vodlift::s3 {
namespace {

using namespace std::chrono_literals;

class HandClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return from_unix_ms(ms_.load()); }
  void advance(std::chrono::milliseconds by) { ms_ += by.count(); }

 private:
  std::atomic<std::int64_t> ms_ = 1'700'000'000'000;
};

// Answers what the test put there; holds loads back on request.
class ScriptedLoader final : public CredentialLoader {
 public:
  Result<Credentials> load(const BucketAccess&) override {
    std::unique_lock lock(mutex_);
    ++loads_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    return answer_;
  }
  void interrupt() override { hold(false); }

  void answer(Result<Credentials> result) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(result);
  }
  void hold(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }
  int loads() {
    const std::lock_guard lock(mutex_);
    return loads_;
  }
  // False when there were not as many in time.
  bool wait_for_loads(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return loads_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  int loads_ = 0;
  Result<Credentials> answer_ = Error{Errc::s3_credential, "nothing scripted"};
};

class CredentialCacheTest : public ::testing::Test {
 protected:
  CredentialCacheTest() { access_.credentials.source = CredentialSource::instance; }

  Credentials pair(const std::string& key, std::optional<std::chrono::milliseconds> lifetime) {
    Credentials credentials{key, Secret("s"), Secret("t"), std::nullopt, false, "test"};
    if (lifetime) credentials.expires = clock_.now() + *lifetime;
    return credentials;
  }
  std::string key() {
    const auto found = cache_.get(access_);
    return found ? found->access_key : std::string(info(found.error().code).name);
  }
  // A load that runs in the background is over when its result is seen.
  bool becomes(const std::string& wanted) {
    for (int tries = 0; tries < 10000; ++tries) {
      if (key() == wanted) return true;
      std::this_thread::yield();
      std::this_thread::sleep_for(1ms);
    }
    return false;
  }

  HandClock clock_;
  ScriptedLoader loader_;
  CredentialCache cache_{loader_, clock_};
  BucketAccess access_;
};

TEST_F(CredentialCacheTest, AFixedPairNeedsNoLoad) {
  access_.credentials.source = CredentialSource::fixed;
  access_.access_key = "AKIA";
  EXPECT_EQ(key(), "AKIA");
  EXPECT_EQ(loader_.loads(), 0);
  EXPECT_FALSE(cache_.refused(access_, *cache_.get(access_)));
}

TEST_F(CredentialCacheTest, ManyCallersAtOnceWaitForOneLoad) {
  loader_.hold(true);
  loader_.answer(pair("A", 1h));
  std::atomic<int> got = 0;
  std::promise<void> all;
  for (int i = 0; i < 20; ++i) {
    cache_.get(access_, [&](const Result<Credentials>& found) {
      EXPECT_TRUE(found && found->access_key == "A");
      if (++got == 20) all.set_value();
    });
  }
  EXPECT_EQ(got, 0) << "get() does not block";
  loader_.hold(false);
  ASSERT_EQ(all.get_future().wait_for(10s), std::future_status::ready);
  EXPECT_EQ(loader_.loads(), 1);
}

TEST_F(CredentialCacheTest, RenewsBeforeTheExpiryWhileTheOldOnesAreUsed) {
  loader_.answer(pair("A", 1h));
  EXPECT_EQ(key(), "A");
  clock_.advance(49min);
  EXPECT_EQ(key(), "A");
  EXPECT_EQ(loader_.loads(), 1);
  loader_.hold(true);
  loader_.answer(pair("B", 1h));
  clock_.advance(2min);
  EXPECT_EQ(key(), "A") << "valid for 9 minutes more: nobody waits";
  ASSERT_TRUE(loader_.wait_for_loads(2));
  EXPECT_EQ(key(), "A");
  loader_.hold(false);
  EXPECT_TRUE(becomes("B"));
  EXPECT_EQ(loader_.loads(), 2);
}

TEST_F(CredentialCacheTest, AfterAFailedRenewalTheOldOnesAreUsedUntilTheyExpire) {
  loader_.answer(pair("A", 1h));
  EXPECT_EQ(key(), "A");
  loader_.answer(Error{Errc::network, "down"});
  clock_.advance(55min);
  EXPECT_EQ(key(), "A");
  ASSERT_TRUE(loader_.wait_for_loads(2));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(key(), "A");
  EXPECT_LE(loader_.loads(), 3) << "no storm of retries";
  clock_.advance(4min + 50s);
  EXPECT_EQ(key(), "A") << "ten seconds are left: one waits, the load fails, and they still do";
  clock_.advance(11s);
  EXPECT_EQ(key(), "network") << "expired";
  const int loads = loader_.loads();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(key(), "network");
  EXPECT_EQ(loader_.loads(), loads) << "within a second the failure is answered from memory";
  loader_.answer(pair("B", 1h));
  clock_.advance(2s);
  EXPECT_EQ(key(), "B");
}

TEST_F(CredentialCacheTest, ExpiredCredentialsAreNotUsed) {
  loader_.answer(pair("A", -1s));
  EXPECT_EQ(key(), "s3_credential");
}

TEST_F(CredentialCacheTest, RefusedCredentialsAreLoadedAgainOnce) {
  loader_.answer(pair("A", 1h));
  const auto first = cache_.get(access_);
  loader_.answer(pair("B", 1h));
  EXPECT_TRUE(cache_.refused(access_, *first));
  EXPECT_EQ(key(), "B");
  EXPECT_TRUE(cache_.refused(access_, *first)) << "another part that was signed with the old ones";
  EXPECT_EQ(key(), "B");
  EXPECT_EQ(loader_.loads(), 2);
}

TEST_F(CredentialCacheTest, RefusedCredentialsAreNotUsedWhenTheLoadFails) {
  loader_.answer(pair("A", 1h));
  const auto first = cache_.get(access_);
  loader_.answer(Error{Errc::timeout, "down"});
  EXPECT_TRUE(cache_.refused(access_, *first));
  EXPECT_EQ(key(), "timeout");
}

TEST_F(CredentialCacheTest, FilesAreReadAgainWhileTheyAreUsed) {
  Credentials from_file = pair("A", std::nullopt);
  from_file.may_change = true;
  loader_.answer(from_file);
  EXPECT_EQ(key(), "A");
  from_file.access_key = "B";
  loader_.answer(from_file);
  EXPECT_EQ(key(), "A");
  clock_.advance(11s);
  EXPECT_TRUE(becomes("B"));
  EXPECT_EQ(loader_.loads(), 2);
}

TEST_F(CredentialCacheTest, WhyThereAreNoneIsForTheOperator) {
  for (const Errc code : {Errc::s3_credential, Errc::s3_transient}) {
    loader_.answer(Error{code, "there is no profile x in /etc/aws"});
    const auto found = cache_.get(access_);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, code);
    EXPECT_EQ(found.error().message.find("profile"), std::string::npos) << found.error().message;
    EXPECT_EQ(found.error().detail, "there is no profile x in /etc/aws");
    clock_.advance(1h);
  }
}

TEST_F(CredentialCacheTest, ASetBackClockEndsOldWaits) {
  loader_.answer(Error{Errc::s3_credential, "expired, by a clock that is ahead"});
  EXPECT_EQ(key(), "s3_credential");
  EXPECT_EQ(loader_.loads(), 1);
  EXPECT_EQ(key(), "s3_credential") << "not asked again at once";
  EXPECT_EQ(loader_.loads(), 1);
  clock_.advance(-1h);
  Credentials from_file = pair("A", std::nullopt);
  from_file.may_change = true;
  loader_.answer(from_file);
  EXPECT_EQ(key(), "A");
  clock_.advance(-1h);
  from_file.access_key = "B";
  loader_.answer(from_file);
  EXPECT_TRUE(becomes("B"));
  EXPECT_EQ(loader_.loads(), 3);
}

TEST_F(CredentialCacheTest, OriginsAreKeptApart) {
  loader_.answer(pair("A", 1h));
  EXPECT_EQ(key(), "A");
  loader_.answer(pair("B", 1h));
  access_.credentials.role_arn = "arn:aws:iam::123456789012:role/up";
  EXPECT_EQ(key(), "B");
  access_.credentials.external_id = "x";
  loader_.answer(pair("C", 1h));
  EXPECT_EQ(key(), "C");
  access_.credentials = {CredentialSource::instance, "", "", ""};
  EXPECT_EQ(key(), "A");
}

TEST_F(CredentialCacheTest, StopEndsAllWaits) {
  loader_.hold(true);
  std::promise<Errc> ended;
  cache_.get(access_, [&](const Result<Credentials>& found) { ended.set_value(found.error().code); });
  ASSERT_TRUE(loader_.wait_for_loads(1));
  cache_.stop();
  EXPECT_EQ(ended.get_future().get(), Errc::s3_credential) << "what the interrupted load answered";
  EXPECT_EQ(key(), "s3_credential");
  access_.credentials.source = CredentialSource::container;
  EXPECT_EQ(key(), "interrupted");
}

TEST_F(CredentialCacheTest, OneWhoCannotTakeTheAnswerKeepsItFromNoOther) {
  loader_.answer(pair("k", 1h));
  loader_.hold(true);
  std::promise<std::string> second;
  cache_.get(access_, [](const Result<Credentials>&) { throw std::bad_alloc(); });
  cache_.get(access_, [&](const Result<Credentials>& found) { second.set_value(found ? found->access_key : ""); });
  loader_.hold(false);
  EXPECT_EQ(second.get_future().get(), "k");
}

}  // namespace
}  // namespace vodlift::s3
