#include "callback/http_callback_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>

#include "callback/webhook_signature.h"
#include "core/account_store.h"
#include "net/http_server.h"

namespace vodlift::callback {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;

class FixedClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return from_unix_ms(1'614'265'330'999); }
};

// A customer's server on a loopback port, and a sender that may reach it.
class HttpCallbackSenderTest : public testing::Test {
 protected:
  HttpCallbackSenderTest()
      : server_(
            {}, 1,
            [this](net::Request request, const net::Responder& respond) {
              seen_.push_back(std::move(request));
              respond(answer_);
            },
            [](Errc, std::string_view) { return net::Response{}; }) {
    EXPECT_TRUE(server_.listen("127.0.0.1:0"));
    server_.start();
  }

  static std::shared_ptr<const net::AddressGuard> guard(std::initializer_list<std::string_view> networks) {
    std::vector<net::Network> allowed;
    for (const std::string_view network : networks) allowed.push_back(net::parse_network(network).value());
    return std::make_shared<net::AddressGuard>(std::move(allowed));
  }

  Result<CallbackAnswer> send(const std::shared_ptr<const net::AddressGuard>& judge, CallbackMessage message) {
    HttpCallbackSender sender(client_, judge, clock_);
    std::promise<Result<CallbackAnswer>> promise;
    sender.send(std::move(message), [&](Result<CallbackAnswer> result) { promise.set_value(std::move(result)); });
    return promise.get_future().get();
  }

  CallbackMessage message() {
    return {"http://" + server_.address() + "/done?x=1", "msg_1", R"({"status":"success"})", secret_};
  }

  FixedClock clock_;
  Secret secret_ = make_webhook_secret();
  net::Response answer_;
  std::vector<net::Request> seen_;
  net::HttpClient client_{"test", 4};
  net::HttpServer server_;
};

TEST_F(HttpCallbackSenderTest, PostsASignedMessage) {
  const auto answer = send(guard({"127.0.0.0/8"}), message());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->http_status, 200);
  EXPECT_EQ(answer->retry_after, std::nullopt);
  ASSERT_EQ(seen_.size(), 1u);
  const net::Request& request = seen_.front();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/done?x=1");
  EXPECT_EQ(request.body, R"({"status":"success"})");
  EXPECT_EQ(request.header("content-type"), "application/json");
  EXPECT_THAT(std::string(request.header("user-agent")), StartsWith("vodlift/"));
  EXPECT_EQ(request.header("webhook-id"), "msg_1");
  EXPECT_EQ(request.header("webhook-timestamp"), "1614265330");
  EXPECT_EQ(request.header("webhook-signature"), sign(secret_, "msg_1", 1614265330, request.body).value());
}

TEST_F(HttpCallbackSenderTest, TellsStatusAndRetryAfter) {
  answer_.status = 503;
  answer_.headers = {{"Retry-After", "3600"}};
  auto answer = send(guard({"127.0.0.0/8"}), message());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->http_status, 503);
  EXPECT_EQ(answer->retry_after, seconds(3600));
  answer_.headers = {{"Retry-After", "whenever"}};
  answer = send(guard({"127.0.0.0/8"}), message());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->retry_after, std::nullopt);
}

TEST_F(HttpCallbackSenderTest, DoesNotFollowRedirects) {
  answer_.status = 302;
  answer_.headers = {{"Location", "http://" + server_.address() + "/other"}};
  const auto answer = send(guard({"127.0.0.0/8"}), message());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->http_status, 302);
  EXPECT_EQ(seen_.size(), 1u);
}

TEST_F(HttpCallbackSenderTest, CutsALongAnswerWithoutFailing) {
  answer_.body.assign(1'000'000, 'x');
  const auto answer = send(guard({"127.0.0.0/8"}), message());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->http_status, 200);
}

TEST_F(HttpCallbackSenderTest, RefusesInnerAddresses) {
  const auto answer = send(guard({}), message());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::address_denied);
  EXPECT_THAT(answer.error().message, HasSubstr("127.0.0.1 is a loopback address"));
  EXPECT_TRUE(seen_.empty());
}

TEST_F(HttpCallbackSenderTest, RefusesANameThatResolvesToAnInnerAddress) {
  CallbackMessage to_name = message();
  to_name.url = "http://localhost" + server_.address().substr(server_.address().rfind(':')) + "/";
  const auto answer = send(guard({}), std::move(to_name));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::address_denied);
  EXPECT_TRUE(seen_.empty());
}

TEST_F(HttpCallbackSenderTest, AFailureToConnectIsAnError) {
  CallbackMessage to_nobody = message();
  server_.stop(std::chrono::milliseconds(0));
  const auto answer = send(guard({"127.0.0.0/8"}), std::move(to_nobody));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::network);
}

TEST_F(HttpCallbackSenderTest, RefusesASecretThatCannotSign) {
  CallbackMessage unsigned_message = message();
  unsigned_message.secret = Secret("oops");
  const auto answer = send(guard({"127.0.0.0/8"}), std::move(unsigned_message));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::invalid_value);
  EXPECT_TRUE(seen_.empty());
}

}  // namespace
}  // namespace vodlift::callback
