#include "core/callback_tester.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <future>
#include <vector>

#include "memory/memory_accounts.h"

namespace vodlift {
namespace {

constexpr AccountId kAccount = 158;

// Keeps each message and its answer.
class HeldSender final : public CallbackSender {
 public:
  void send(CallbackMessage message, Done done) override {
    {
      const std::lock_guard lock(mutex_);
      sent_.push_back(std::move(message));
      if (!answer_) held_.push_back(std::move(done));
    }
    changed_.notify_all();
    if (answer_) done(*answer_);
  }
  // From now on, before any message is sent.
  void answer_with(Result<CallbackAnswer> answer) { answer_ = std::move(answer); }
  // Waits for so many messages.
  std::vector<CallbackMessage> sent(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return sent_.size() >= count; });
    return sent_;
  }
  void release(Result<CallbackAnswer> answer) {
    std::vector<Done> held;
    {
      const std::lock_guard lock(mutex_);
      held.swap(held_);
    }
    for (const Done& done : held) done(answer);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<CallbackMessage> sent_;
  std::vector<Done> held_;
  std::optional<Result<CallbackAnswer>> answer_;
};

class CallbackTesterTest : public testing::Test {
 protected:
  CallbackTesterTest() {
    for (AccountId cdn = kAccount; cdn < kAccount + 5; ++cdn) {
      Account account;
      account.cdn = cdn;
      account.user = "user" + std::to_string(cdn);
      account.webhook_secret = Secret("whsec_" + std::to_string(cdn));
      accounts_.add_account(account).value();
    }
  }

  std::future<Result<CallbackTest>> begin(AccountId account) {
    return std::async(std::launch::async, [this, account] { return tester_.send(account, "https://a.example/done"); });
  }

  memory::MemoryAccounts rows_;
  AccountDirectory accounts_{rows_};
  SystemClock clock_;
  HeldSender sender_;
  CallbackTester tester_{accounts_, sender_, clock_, [](const std::string& host, int port) {
                           const bool refused = host == "localhost" || port == 22;
                           return refused ? std::optional<std::string>("it is refused") : std::nullopt;
                         }};
};

TEST_F(CallbackTesterTest, SendsABodyThatIsMarkedWithTheAccountsSecret) {
  sender_.answer_with(CallbackAnswer{503, {}});
  const auto test = tester_.send(kAccount, "a.example/done").value();
  EXPECT_EQ(test.http_status, 503);
  EXPECT_FALSE(test.delivered());
  EXPECT_FALSE(test.failure);
  const auto sent = sender_.sent(1).at(0);
  EXPECT_EQ(sent.url, "http://a.example/done");
  EXPECT_EQ(sent.webhook_id, test.webhook_id);
  EXPECT_TRUE(sent.webhook_id.starts_with("msg_test_"));
  EXPECT_EQ(sent.secret.reveal(), "whsec_158");
  EXPECT_EQ(sent.body, test.body);
  const auto body = boost::json::parse(sent.body).as_object();
  EXPECT_EQ(body.at("test"), true);
  EXPECT_EQ(body.at("status").as_string(), "success");
  EXPECT_EQ(body.at("data").at("id"), 0);
  EXPECT_EQ(body.at("data").at("callback").as_string(), sent.url);
}

TEST_F(CallbackTesterTest, TellsWhyThereWasNoAnswer) {
  sender_.answer_with(Error{Errc::address_denied, "10.0.0.1 is a private address"});
  const auto test = tester_.send(kAccount, "https://a.example/").value();
  EXPECT_EQ(test.http_status, 0);
  ASSERT_TRUE(test.failure);
  EXPECT_EQ(test.failure->code, Errc::address_denied);
}

TEST_F(CallbackTesterTest, WhereNoCallbackMayGoNothingIsSent) {
  EXPECT_EQ(tester_.send(kAccount, "ftp://a.example/").error().code, Errc::invalid_value);
  EXPECT_EQ(tester_.send(kAccount, "http://localhost/").error().code, Errc::invalid_value);
  EXPECT_EQ(tester_.send(kAccount, "http://a.example:22/").error().code, Errc::invalid_value);
  EXPECT_EQ(tester_.send(1, "http://a.example/").error().code, Errc::not_found);
  EXPECT_TRUE(sender_.sent(0).empty());
}

TEST_F(CallbackTesterTest, OneAtATimeForAnAccountAndThreeInAll) {
  auto first = begin(kAccount);
  (void)sender_.sent(1);
  EXPECT_EQ(tester_.send(kAccount, "https://a.example/").error().code, Errc::overloaded);
  auto second = begin(kAccount + 1);
  auto third = begin(kAccount + 2);
  (void)sender_.sent(3);
  EXPECT_EQ(tester_.send(kAccount + 3, "https://a.example/").error().code, Errc::overloaded);
  sender_.release(CallbackAnswer{204, {}});
  for (auto* one : {&first, &second, &third}) EXPECT_TRUE(one->get().value().delivered());
  sender_.answer_with(CallbackAnswer{204, {}});
  EXPECT_TRUE(tester_.send(kAccount, "https://a.example/").value().delivered()) << "its place is free again";
}

TEST_F(CallbackTesterTest, AStopEndsWhatWaits) {
  auto test = begin(kAccount);
  (void)sender_.sent(1);
  tester_.stop();
  EXPECT_EQ(test.get().error().code, Errc::interrupted);
  EXPECT_EQ(tester_.send(kAccount, "https://a.example/").error().code, Errc::interrupted);
  sender_.release(CallbackAnswer{204, {}});
}

}  // namespace
}  // namespace vodlift
