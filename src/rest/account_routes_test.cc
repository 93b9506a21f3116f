// The routes of accounts.
#include "base/encoding.h"
#include "rest/rest_api_test.h"

namespace vodlift::rest {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST_F(RestApiTest, AddsAnAccountAndShowsItsWebhookSecretOnce) {
  const value added = succeed("account.add", {{"cdn", 158}, {"user", "jb"}});
  EXPECT_EQ(last_status_, 201);
  const std::string secret(added.at("webhook_secret").as_string());
  ASSERT_THAT(secret, StartsWith("whsec_"));
  const auto bytes = from_base64(secret.substr(6));
  ASSERT_TRUE(bytes.has_value());
  EXPECT_EQ(bytes->size(), 32U);
  EXPECT_EQ(accounts_.find_account(158)->webhook_secret.reveal(), secret);

  const boost::json::array listed = items("account.list", {});
  EXPECT_EQ(boost::json::serialize(listed),
            R"([{"cdn":158,"user":"jb","created":1700000000,"weight":1,"uploads_at_once":0,"callback_format":"json",)"
            R"("callback_https_only":false,"removing":null,"previous_until":null}])");
}

TEST_F(RestApiTest, WeighsAccounts) {
  succeed("account.add", {{"cdn", 158}, {"user", "jb"}, {"weight", 3}});
  EXPECT_EQ(items("account.list", {}).at(0).at("weight").as_int64(), 3);
  EXPECT_EQ(succeed("account.set", {{"cdn", 158}, {"weight", 100}}).at("weight").as_int64(), 100);
  fail("account.set", {{"cdn", 158}, {"weight", 0}}, "invalid_value");
  EXPECT_EQ(succeed("account.set", {{"cdn", 158}, {"uploads_at_once", 256}}).at("uploads_at_once").as_int64(), 256);
  EXPECT_EQ(succeed("account.set", {{"cdn", 158}, {"uploads_at_once", 0}}).at("uploads_at_once").as_int64(), 0);
  fail("account.set", {{"cdn", 158}, {"uploads_at_once", 257}}, "invalid_value");
  fail("account.set", {{"cdn", 158}, {"weight", 101}}, "invalid_value");
  fail("account.set", {{"cdn", 158}}, "missing_field");
  fail("account.set", {{"cdn", 159}, {"weight", 2}}, "not_found");
}

TEST_F(RestApiTest, RotatesTheWebhookSecretWithAnOverlap) {
  const value added = succeed("account.add", {{"cdn", 158}, {"user", "jb"}});
  const value rotated = succeed("account.rotate", {{"cdn", 158}, {"overlap_s", 60}});
  EXPECT_EQ(last_status_, 200);
  EXPECT_NE(rotated.at("webhook_secret"), added.at("webhook_secret"));
  EXPECT_EQ(rotated.at("previous_until"), 1'700'000'060);
  EXPECT_EQ(accounts_.find_account(158)->webhook_secret.reveal(), rotated.at("webhook_secret").as_string());
  EXPECT_EQ(accounts_.find_account(158)->previous_webhook_secret->secret.reveal(),
            added.at("webhook_secret").as_string());

  const value shown = succeed("account.show", {{"cdn", 158}});
  EXPECT_EQ(shown.at("previous_until"), 1'700'000'060);
  EXPECT_FALSE(shown.as_object().contains("webhook_secret"));
  EXPECT_THAT(fail("account.rotate", {{"cdn", 158}}, "invalid_value"), HasSubstr("earlier rotation lasts 60 s more"));
  clock_.pass(std::chrono::seconds(60));
  EXPECT_TRUE(succeed("account.show", {{"cdn", 158}}).at("previous_until").is_null());
  EXPECT_EQ(succeed("account.rotate", {{"cdn", 158}}).at("previous_until"), 1'700'086'460) << "a day";
  succeed("account.rotate", {{"cdn", 158}, {"overlap_s", 0}});
  EXPECT_FALSE(accounts_.find_account(158)->previous_webhook_secret);
  fail("account.rotate", {{"cdn", 158}, {"overlap_s", 2'592'001}}, "invalid_value");
  fail("account.rotate", {{"cdn", 159}}, "not_found");
}

TEST_F(RestApiTest, AnAccountSaysHowItsCallbacksAreSent) {
  succeed("account.add", {{"cdn", 158}, {"user", "jb"}, {"callback_format", "form"}, {"weight", 3}});
  const value set = succeed("account.set", {{"cdn", 158}, {"callback_https_only", true}});
  EXPECT_EQ(set.at("callback_format"), "form") << "what is not given stays";
  EXPECT_EQ(set.at("callback_https_only"), true);
  EXPECT_EQ(set.at("weight"), 3);
  fail("account.set", {{"cdn", 158}, {"callback_format", "xml"}}, "invalid_value");
  succeed("bucket.add", bucket_fields());
  object upload{{"cdn", 158}, {"path", "sestore4/jb/film.mp4"}, {"destination_path", "x"}, {"bucket", "my_bucket"}};
  for (const char* url : {"http://example.com/done", "example.com/done"}) {
    upload["callback"] = url;
    EXPECT_THAT(fail("upload.add", upload, "invalid_value"), HasSubstr("must begin with https://"));
    fail("callback.test", {{"cdn", 158}, {"url", url}}, "invalid_value");
  }
  upload["callback"] = "https://example.com/done";
  succeed("upload.add", upload);
}

TEST_F(RestApiTest, RefusesAnAccountThatExistsOrCannotBe) {
  add_account();
  EXPECT_EQ(fail("account.add", {{"cdn", 158}, {"user", "x"}}, "already_exists"), "account 158 exists already");
  EXPECT_EQ(last_status_, 409);
  EXPECT_THAT(fail("account.add", {{"cdn", 1}, {"user", "../x"}}, "invalid_value"), HasSubstr("user: expected"));
  EXPECT_THAT(fail("account.add", {{"cdn", 0}, {"user", "x"}}, "invalid_value"),
              HasSubstr("cdn: must be a whole number"));
}

TEST_F(RestApiTest, TellsAllMissingAndAllUnfitFields) {
  EXPECT_EQ(fail("bucket.add", {{"cdn", 158}, {"bucket", "b"}}, "missing_field"),
            "missing required fields: access_key, secret_key (or credentials, which names another source of them)");
  EXPECT_EQ(fail("account.add", {{"cdn", "158"}, {"user", 5}, {"x", 1}}, "invalid_value"),
            "cdn: must be a whole number, 1 or more; user: must be a string; x: there is no such field");
}

}  // namespace
}  // namespace vodlift::rest
