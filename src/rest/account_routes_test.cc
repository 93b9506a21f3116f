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
  EXPECT_EQ(boost::json::serialize(listed), R"([{"cdn":158,"user":"jb","created":1700000000,"weight":1}])");
}

TEST_F(RestApiTest, WeighsAccounts) {
  succeed("account.add", {{"cdn", 158}, {"user", "jb"}, {"weight", 3}});
  EXPECT_EQ(items("account.list", {}).at(0).at("weight").as_int64(), 3);
  EXPECT_EQ(succeed("account.set", {{"cdn", 158}, {"weight", 100}}).at("weight").as_int64(), 100);
  fail("account.set", {{"cdn", 158}, {"weight", 0}}, "invalid_value");
  fail("account.set", {{"cdn", 158}, {"weight", 101}}, "invalid_value");
  fail("account.set", {{"cdn", 158}}, "missing_field");
  fail("account.set", {{"cdn", 159}, {"weight", 2}}, "not_found");
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
