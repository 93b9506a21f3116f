#include "alert/alert_post.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace vodlift::alert {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

// Keeps what it gets; the test answers.
class HeldReceiver final : public Receiver {
 public:
  explicit HeldReceiver(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  void send(const AlertMessage& message, Done done) override {
    got.push_back(message.id);
    done_ = std::move(done);
  }
  void answer(const Outcome& outcome) { std::exchange(done_, nullptr)(outcome); }

  std::vector<std::string> got;

 private:
  const std::string name_;
  Done done_;
};

class FixedWall final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return from_unix_ms(1'800'000'000'000); }
};

class AlertPostTest : public testing::Test {
 protected:
  AlertPostTest() {
    std::vector<std::unique_ptr<Receiver>> receivers;
    for (const char* name : {"one", "two"}) {
      auto receiver = std::make_unique<HeldReceiver>(name);
      (receivers.empty() ? one_ : two_) = receiver.get();
      receivers.push_back(std::move(receiver));
    }
    post_ = std::make_unique<AlertPost>(
        std::move(receivers), clock_, [this] { return now_; }, [this] { ++woken_; });
  }
  void add(const std::string& id) {
    AlertMessage message;
    message.id = id;
    post_->add(message);
    post_->run();
  }
  void after(std::chrono::milliseconds time) {
    now_ += time;
    post_->run();
  }

  const FixedWall clock_;
  SteadyTime now_{seconds(1000)};
  int woken_ = 0;
  HeldReceiver* one_ = nullptr;
  HeldReceiver* two_ = nullptr;
  std::unique_ptr<AlertPost> post_;
};

TEST_F(AlertPostTest, OneThatHangsHoldsUpNoOther) {
  add("a");
  add("b");
  EXPECT_THAT(one_->got, ElementsAre("a"));
  two_->answer({.delivered = true});
  EXPECT_EQ(woken_, 1);
  post_->run();
  EXPECT_THAT(two_->got, ElementsAre("a", "b"));
  EXPECT_THAT(one_->got, ElementsAre("a"));
}

TEST_F(AlertPostTest, AFailureIsTriedAgainInOrderAndIsKnown) {
  add("a");
  add("b");
  one_->answer({.text = "HTTP 500"});
  after(seconds(4));
  EXPECT_THAT(one_->got, ElementsAre("a"));
  EXPECT_EQ(post_->receivers()[0].error, "HTTP 500");
  EXPECT_EQ(post_->receivers()[0].failing_since, clock_.now());
  EXPECT_EQ(post_->receivers()[1].failing_since, std::nullopt);
  EXPECT_EQ(post_->run(), now_ + seconds(1));
  after(seconds(1));
  EXPECT_THAT(one_->got, ElementsAre("a", "a"));
  one_->answer({.delivered = true});
  post_->run();
  EXPECT_THAT(one_->got, ElementsAre("a", "a", "b"));
  EXPECT_EQ(post_->receivers()[0].failing_since, std::nullopt);
}

TEST_F(AlertPostTest, ItIsGivenUpAfterAnHour) {
  add("a");
  int tries = 0;
  for (const SteadyTime end = now_ + minutes(120); now_ < end; after(seconds(1))) {
    if (static_cast<int>(one_->got.size()) == tries) continue;
    ++tries;
    one_->answer({.text = "no"});
  }
  EXPECT_EQ(tries, 9) << "after 0, 5, 35 s, 2.6, 12.6, 22.6, ... min";
  add("b");
  EXPECT_EQ(one_->got.back(), "b");
}

TEST_F(AlertPostTest, AFinalAnswerIsNotTriedAgain) {
  add("a");
  add("b");
  one_->answer({.try_again = false, .text = "HTTP 404"});
  post_->run();
  EXPECT_THAT(one_->got, ElementsAre("a", "b"));
  EXPECT_EQ(post_->receivers()[0].error, "HTTP 404");
}

TEST_F(AlertPostTest, NoMoreWaitThanAFewAndTheOldestGo) {
  for (int number = 0; number < 200; ++number) add(std::to_string(number));
  for (int number = 0; number < 200 && one_->got.size() <= static_cast<std::size_t>(number) + 1; ++number) {
    if (one_->got.size() == static_cast<std::size_t>(number)) break;
    one_->answer({.delivered = true});
    post_->run();
  }
  EXPECT_EQ(one_->got.size(), AlertPost::kMostWaiting);
  EXPECT_EQ(one_->got.front(), "0") << "it is under way";
  EXPECT_EQ(one_->got.back(), "199");
}

TEST_F(AlertPostTest, AnAnswerMayComeWhenThePostIsGone) {
  add("a");
  auto receiver = std::make_unique<HeldReceiver>("three");
  HeldReceiver& three = *receiver;
  std::vector<std::unique_ptr<Receiver>> receivers;
  receivers.push_back(std::move(receiver));
  AlertMessage message;
  auto late = std::make_unique<AlertPost>(
      std::move(receivers), clock_, [this] { return now_; }, [this] { ++woken_; });
  late->add(message);
  late->run();
  EXPECT_EQ(three.got.size(), 1U);
  late.reset();
  EXPECT_EQ(woken_, 0);
}

TEST_F(AlertPostTest, ATestWaitsForAllAndNoLongerThanItMay) {
  AlertMessage message;
  message.id = "t";
  const auto answers = post_->test(message, std::chrono::milliseconds(10));
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].receiver, "one");
  EXPECT_FALSE(answers[0].delivered);
  EXPECT_EQ(answers[0].text, "no answer in time");
}

}  // namespace
}  // namespace vodlift::alert
