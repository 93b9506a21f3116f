#include "callback/http_callback_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>

#include "base/encoding.h"
#include "base/hash.h"
#include "core/account.h"
#include "core/webhook_signature.h"
#include "net/http_server.h"

namespace vodlift::callback {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(WebhookSignature, MatchesThePublishedVectors) {
  // The example of the reference libraries, and the one of Svix's documentation.
  EXPECT_EQ(sign_webhook(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                         R"({"test": 2432232314})")
                .value(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  EXPECT_EQ(sign_webhook(Secret("whsec_plJ3nmyCDGBKInavdOK15jsl"), "msg_loFOjxBNrRLzqYUf", 1731705121,
                         R"({"event_type":"ping","data":{"success":true}})")
                .value(),
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=");
}

TEST(WebhookSignature, DependsOnEveryPart) {
  const Secret secret = make_webhook_secret();
  const std::string signature = sign_webhook(secret, "id", 1, "body").value();
  EXPECT_EQ(sign_webhook(secret, "id", 1, "body").value(), signature);
  EXPECT_NE(sign_webhook(make_webhook_secret(), "id", 1, "body").value(), signature);
  EXPECT_NE(sign_webhook(secret, "ID", 1, "body").value(), signature);
  EXPECT_NE(sign_webhook(secret, "id", 2, "body").value(), signature);
  EXPECT_NE(sign_webhook(secret, "id", 1, "body ").value(), signature);
}

TEST(WebhookSignature, IsTheHmacOfTheJoinedParts) {
  const std::string key = "0123456789abcdef";
  const Secret secret("whsec_" + to_base64(bytes_of(key)));
  EXPECT_EQ(sign_webhook(secret, "a", 7, "b").value(),
            "v1," + to_base64(hmac_sha256(bytes_of(key), bytes_of("a.7.b"))));
}

TEST(WebhookSignature, RefusesOtherSecretsWithoutShowingThem) {
  for (const char* text : {"", "whsec_", "plJ3nmyCDGBKInavdOK15jsl", "whsec_pl J3", "whsec_plJ3nmyCDGBKInavdOK15js",
                           "WHSEC_plJ3nmyCDGBKInavdOK15jsl"}) {
    const auto signature = sign_webhook(Secret(text), "id", 1, "");
    ASSERT_FALSE(signature) << text;
    EXPECT_EQ(signature.error().code, Errc::invalid_value);
    EXPECT_THAT(signature.error().message, Not(HasSubstr("plJ3")));
  }
}

TEST(WebhookSecret, IsNewEachTimeAndHas32Bytes) {
  const Secret one = make_webhook_secret();
  EXPECT_THAT(std::string(one.reveal()), StartsWith("whsec_"));
  EXPECT_EQ(from_base64(one.reveal().substr(6)).value().size(), 32u);
  EXPECT_NE(one.reveal(), make_webhook_secret().reveal());
}

// Sun, 06 Nov 1994 08:49:37 GMT
constexpr std::int64_t kSunday = 784111777;
const WallTime kTenSecondsBefore = from_unix_ms((kSunday - 10) * 1000);

std::optional<seconds> parse(std::string_view value) { return parse_retry_after(value, kTenSecondsBefore); }

TEST(RetryAfter, TakesSeconds) {
  EXPECT_EQ(parse("0"), seconds(0));
  EXPECT_EQ(parse("120"), seconds(120));
  EXPECT_EQ(parse("007"), seconds(7));
  EXPECT_EQ(parse("86400"), hours(24));
}

TEST(RetryAfter, CutsToADay) {
  EXPECT_EQ(parse("86401"), hours(24));
  EXPECT_EQ(parse("315360000"), hours(24));
  EXPECT_EQ(parse("99999999999999999999999999"), hours(24));
  EXPECT_EQ(parse("Sun, 06 Nov 2044 08:49:37 GMT"), hours(24));
}

TEST(RetryAfter, TakesTheThreeDateForms) {
  EXPECT_EQ(parse("Sun, 06 Nov 1994 08:49:37 GMT"), seconds(10));
  EXPECT_EQ(parse("Sunday, 06-Nov-94 08:49:37 GMT"), seconds(10));
  EXPECT_EQ(parse("Sun Nov  6 08:49:37 1994"), seconds(10));
  EXPECT_EQ(parse("Wed Nov 16 08:49:37 1994"), hours(24));
}

TEST(RetryAfter, ADateThatHasPassedIsNow) {
  EXPECT_EQ(parse("Sat, 05 Nov 1994 08:49:37 GMT"), seconds(0));
  EXPECT_EQ(parse("Thu, 01 Jan 1970 00:00:00 GMT"), seconds(0));
}

TEST(RetryAfter, RoundsUpToWholeSeconds) {
  const WallTime now = from_unix_ms((kSunday - 10) * 1000 + 1);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), seconds(10));
}

TEST(RetryAfter, TwoDigitYearsAreNeverFarAhead) {
  const WallTime in_2025 = from_unix_ms(1'750'000'000'000);
  // 94 is 1994, not 2094.
  EXPECT_EQ(parse_retry_after("Sunday, 06-Nov-94 08:49:37 GMT", in_2025), seconds(0));
  // 26 is 2026: Friday.
  EXPECT_EQ(parse_retry_after("Friday, 06-Nov-26 08:49:37 GMT", in_2025), hours(24));
}

TEST(RetryAfter, LeapDaysAndSeconds) {
  const WallTime before = from_unix_ms(951'782'400'000 - 5'000);  // five seconds before Tue, 29 Feb 2000 00:00:00
  EXPECT_EQ(parse_retry_after("Tue, 29 Feb 2000 00:00:00 GMT", before), seconds(5));
  EXPECT_EQ(parse("Sun, 06 Nov 1994 08:49:60 GMT"), seconds(32));
}

TEST(RetryAfter, RefusesEverythingElse) {
  for (const std::string_view value : {"",
                                       " ",
                                       "-1",
                                       "+1",
                                       "1.5",
                                       "1 ",
                                       " 1",
                                       "1e3",
                                       "0x10",
                                       "soon",
                                       "120 seconds",
                                       "Sun, 06 Nov 1994 08:49:37",
                                       "Sun, 06 Nov 1994 08:49:37 UTC",
                                       "Sun, 06 Nov 1994 08:49:37 GMT ",
                                       "Sun, 06 Nov 1994 08:49:37 +0000",
                                       "sun, 06 nov 1994 08:49:37 gmt",
                                       "Mon, 06 Nov 1994 08:49:37 GMT",
                                       "Sun, 6 Nov 1994 08:49:37 GMT",
                                       "Sun, 31 Nov 1994 08:49:37 GMT",
                                       "Thu, 29 Feb 1996 24:00:00 GMT",
                                       "Wed, 29 Feb 1995 00:00:00 GMT",
                                       "Sun, 06 Nov 1994 08:60:37 GMT",
                                       "Sun, 06 Nov 1994 08:49:61 GMT",
                                       "Sun, 06 Nov 1994 -8:49:37 GMT",
                                       "Sun, 06 Nov 94 08:49:37 GMT",
                                       "Sun, 06-Nov-94 08:49:37 GMT",
                                       "Sun Nov 6 08:49:37 1994",
                                       "Sun, 00 Nov 1994 08:49:37 GMT",
                                       "1994-11-06T08:49:37Z"}) {
    EXPECT_EQ(parse(value), std::nullopt) << value;
  }
  EXPECT_EQ(parse(std::string_view("1\0", 2)), std::nullopt);
}

class FixedClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return from_unix_ms(1'614'265'330'999); }
};

// A customer's server on a loopback port, and a sender that may reach it.
class HttpCallbackSenderTest : public testing::Test {
 protected:
  HttpCallbackSenderTest()
      : server_(
            "http", {}, 1,
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
    return std::make_shared<net::AddressGuard>(std::move(allowed), std::vector<net::PortRange>{{1024, 65535}});
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
  EXPECT_EQ(request.header("webhook-signature"), sign_webhook(secret_, "msg_1", 1614265330, request.body).value());
}

TEST_F(HttpCallbackSenderTest, SignsWithTheReplacedSecretToo) {
  const Secret old = make_webhook_secret();
  CallbackMessage both = message();
  both.previous = PreviousSecret{old, clock_.now() + std::chrono::milliseconds(1)};
  CallbackMessage late = message();
  late.previous = PreviousSecret{old, clock_.now()};
  ASSERT_TRUE(send(guard({"127.0.0.0/8"}), both));
  ASSERT_TRUE(send(guard({"127.0.0.0/8"}), late));
  ASSERT_EQ(seen_.size(), 2u);
  const std::string first = sign_webhook(secret_, "msg_1", 1614265330, both.body).value();
  EXPECT_EQ(seen_[0].header("webhook-signature"),
            first + " " + sign_webhook(old, "msg_1", 1614265330, both.body).value());
  EXPECT_EQ(seen_[1].header("webhook-signature"), first);
}

TEST_F(HttpCallbackSenderTest, SendsAFormAndSignsWhatItSends) {
  CallbackMessage form = message();
  form.body = R"({"a":"b c&ü"})";
  form.format = CallbackFormat::form;
  ASSERT_TRUE(send(guard({"127.0.0.0/8"}), form));
  const net::Request& request = seen_.at(0);
  EXPECT_EQ(request.header("content-type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(request.body, "json=%7B%22a%22%3A%22b%20c%26%C3%BC%22%7D");
  EXPECT_EQ(request.header("webhook-signature"), sign_webhook(secret_, "msg_1", 1614265330, request.body).value());
}

TEST_F(HttpCallbackSenderTest, ReportsStatusAndRetryAfter) {
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

TEST_F(HttpCallbackSenderTest, RefusesInternalAddresses) {
  const auto answer = send(guard({}), message());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::address_denied);
  EXPECT_THAT(answer.error().message, HasSubstr("127.0.0.1 is a loopback address"));
  EXPECT_TRUE(seen_.empty());
}

TEST_F(HttpCallbackSenderTest, RefusesANameThatResolvesToAnInternalAddress) {
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
