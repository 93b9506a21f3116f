#include "door/reply.h"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace vodlift::door {
namespace {

class PlainReply final : public Reply {
 public:
  using Reply::Reply;

 private:
  net::Response success_response(std::string_view message, const boost::json::value& data,
                                 const boost::json::object& members) const override {
    net::Response response;
    response.body = std::string(message) + boost::json::serialize(data) + boost::json::serialize(members);
    return response;
  }
  net::Response failure_response(const Error& error) const override {
    net::Response response;
    response.status = 500;
    response.body = error.message;
    return response;
  }
  bool is_internal(Errc code) const override { return code == Errc::io_error; }
};

class KeptLog final : public AuditLog {
 public:
  void record(const AuditEntry& entry) noexcept override { entries.push_back(entry); }
  std::vector<AuditEntry> entries;
};

class ReplyTest : public testing::Test {
 protected:
  std::shared_ptr<Reply> reply() {
    return std::make_shared<PlainReply>([this](const net::Response& response) { answers_.push_back(response.body); });
  }
  std::vector<std::string> answers_;
};

TEST_F(ReplyTest, OnlyTheFirstAnswerIsSentAndRecorded) {
  KeptLog log;
  const auto one = reply();
  one->audit({log, {}, {}, {}});
  one->success("done", 7, {{"total", 1}});
  one->failure({Errc::not_found, "late"});
  one->guard([] { throw std::runtime_error("later"); });
  EXPECT_EQ(answers_, std::vector<std::string>{R"(done7{"total":1})"});
  ASSERT_EQ(log.entries.size(), 1U);
  EXPECT_EQ(log.entries[0].upload, 7);
}

TEST_F(ReplyTest, AnswersFromManyThreadsAreOne) {
  std::atomic<int> sent{0};
  const auto one = std::make_shared<PlainReply>([&](const net::Response&) { ++sent; });
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([one, i] { one->success("", i); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sent, 1);
}

TEST_F(ReplyTest, TheCallerGetsAReferenceToAnInternalErrorOnly) {
  KeptLog log;
  const auto broken = reply();
  broken->audit({log, {}, {}, {}});
  broken->guard([] { throw std::runtime_error("a secret of ours"); });
  reply()->failure({Errc::io_error, "a path of ours"});
  reply()->failure({Errc::not_found, "shown"});
  ASSERT_EQ(answers_.size(), 3U);
  for (const std::size_t i : {0U, 1U}) {
    EXPECT_TRUE(answers_[i].starts_with("unexpected error; ")) << answers_[i];
    EXPECT_EQ(answers_[i].find("ours"), std::string::npos) << answers_[i];
  }
  EXPECT_EQ(answers_[2], "shown");
  EXPECT_EQ(log.entries.at(0).failure, Errc::internal);
}

TEST_F(ReplyTest, APoolThatTakesNothingIsOverload) {
  ThreadPool pool("test", 1, 4);
  std::promise<void> ran;
  run_on(pool, reply(), [&] { ran.set_value(); });
  ran.get_future().get();
  pool.stop();
  run_on(pool, reply(), [] { FAIL() << "the pool is stopped"; });
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_TRUE(answers_[0].starts_with("more traffic than usual")) << answers_[0];
}

}  // namespace
}  // namespace vodlift::door
