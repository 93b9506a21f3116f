#include "callback/webhook_signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/hash.h"
#include "core/account_store.h"

namespace vodlift::callback {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(WebhookSignature, MatchesThePublishedVectors) {
  // The example of the reference libraries, and the one of Svix's documentation.
  EXPECT_EQ(sign(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                 R"({"test": 2432232314})")
                .value(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  EXPECT_EQ(sign(Secret("whsec_plJ3nmyCDGBKInavdOK15jsl"), "msg_loFOjxBNrRLzqYUf", 1731705121,
                 R"({"event_type":"ping","data":{"success":true}})")
                .value(),
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=");
}

TEST(WebhookSignature, DependsOnEveryPart) {
  const Secret secret = make_webhook_secret();
  const std::string signature = sign(secret, "id", 1, "body").value();
  EXPECT_EQ(sign(secret, "id", 1, "body").value(), signature);
  EXPECT_NE(sign(make_webhook_secret(), "id", 1, "body").value(), signature);
  EXPECT_NE(sign(secret, "ID", 1, "body").value(), signature);
  EXPECT_NE(sign(secret, "id", 2, "body").value(), signature);
  EXPECT_NE(sign(secret, "id", 1, "body ").value(), signature);
}

TEST(WebhookSignature, IsTheHmacOfTheJoinedParts) {
  const std::string key = "0123456789abcdef";
  const Secret secret("whsec_" + to_base64(bytes_of(key)));
  EXPECT_EQ(sign(secret, "a", 7, "b").value(), "v1," + to_base64(hmac_sha256(bytes_of(key), bytes_of("a.7.b"))));
}

TEST(WebhookSignature, RefusesOtherSecretsWithoutShowingThem) {
  for (const char* text : {"", "whsec_", "plJ3nmyCDGBKInavdOK15jsl", "whsec_pl J3", "whsec_plJ3nmyCDGBKInavdOK15js",
                           "WHSEC_plJ3nmyCDGBKInavdOK15jsl"}) {
    const auto signature = sign(Secret(text), "id", 1, "");
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

}  // namespace
}  // namespace vodlift::callback
