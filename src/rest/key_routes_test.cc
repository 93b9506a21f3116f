// The routes of API keys.
#include "rest/rest_api_test.h"

namespace vodlift::rest {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

TEST_F(RestApiTest, MakesAPairAndNeverShowsTheSecretAgain) {
  add_account();
  const value added = succeed("key.add", {{"cdn", 158}});
  const std::string api_key(added.at("api_key").as_string());
  const std::string secret(added.at("secret").as_string());
  EXPECT_THAT(api_key, MatchesRegex("[A-Z0-9]{32}"));
  EXPECT_THAT(secret, MatchesRegex("[0-9a-f]{64}"));
  EXPECT_EQ(accounts_.find_key(api_key)->secret.reveal(), secret);
  EXPECT_NE(succeed("key.add", {{"cdn", 158}}).at("api_key"), added.at("api_key"));

  succeed("key.list", {{"cdn", 158}});
  EXPECT_THAT(last_body_, AllOf(HasSubstr(api_key), Not(HasSubstr(secret))));
}

TEST_F(RestApiTest, ImportsAPairThatClientsHave) {
  add_account();
  const object pair = {{"cdn", 158},
                       {"api_key", "APX4GKLM0RKQLSP2FBO1ROPKSSW47DZE"},
                       {"secret", "8fc8c48da81e6a2a06a9556379bf798af508dc0792497c678b4c3532ba8b637f"}};
  EXPECT_EQ(succeed("key.add", pair).at("api_key"), "APX4GKLM0RKQLSP2FBO1ROPKSSW47DZE");
  EXPECT_EQ(fail("key.add", {{"cdn", 158}, {"api_key", "APX4GKLM0RKQ"}}, "missing_field"),
            "missing required fields: secret");
  EXPECT_THAT(fail("key.add", {{"cdn", 158}, {"api_key", "APX4GKLM0RKQ"}, {"secret", "short"}}, "invalid_value"),
              AllOf(HasSubstr("secret: expected"), Not(HasSubstr("short"))));
  EXPECT_EQ(fail("key.add", {{"cdn", 7}}, "not_found"), "there is no account 7");
}

TEST_F(RestApiTest, RevokesAKey) {
  add_account();
  const value added = succeed("key.add", {{"cdn", 158}});
  const value revoked = succeed("key.revoke", {{"api_key", added.at("api_key")}});
  EXPECT_EQ(revoked.at("revoked"), 1'700'000'000);
  EXPECT_TRUE(accounts_.find_key(added.at("api_key").as_string())->revoked.has_value());
  EXPECT_EQ(fail("key.revoke", {{"api_key", "NOSUCHKEY"}}, "not_found"), "there is no API key NOSUCHKEY");
}

TEST_F(RestApiTest, KeysHaveRulesThatCanBeChanged) {
  add_account();
  const value added = succeed("key.add", {{"cdn", 158},
                                          {"permissions", "status, upload"},
                                          {"path_prefix", "sestore4/jb/films/"},
                                          {"buckets", boost::json::array{"my_bucket"}},
                                          {"networks", boost::json::array{"192.0.2.0/24", "::1"}},
                                          {"expires", 1'800'000'000}});
  const value api_key = added.at("api_key");
  value key = items("key.list", {}).at(0);
  EXPECT_EQ(key.at("permissions"), "upload,status");
  EXPECT_EQ(key.at("path_prefix"), "sestore4/jb/films");
  EXPECT_EQ(key.at("buckets"), (boost::json::array{"my_bucket"}));
  EXPECT_EQ(key.at("networks"), (boost::json::array{"192.0.2.0/24", "::1/128"}));
  EXPECT_EQ(key.at("expires"), 1'800'000'000);

  key = succeed("key.set", {{"api_key", api_key}, {"permissions", "files"}, {"expires", 0}});
  EXPECT_EQ(key.at("permissions"), "files");
  EXPECT_EQ(key.at("path_prefix"), "sestore4/jb/films") << "what is not named stays";
  EXPECT_TRUE(key.at("expires").is_null());
  key = succeed("key.set", {{"api_key", api_key},
                            {"path_prefix", ""},
                            {"buckets", boost::json::array()},
                            {"networks", boost::json::array()}});
  EXPECT_EQ(key.at("path_prefix"), "");
  EXPECT_TRUE(key.at("buckets").as_array().empty() && key.at("networks").as_array().empty());

  for (const object& bad : std::initializer_list<object>{{{"permissions", "upload,fly"}},
                                                         {{"path_prefix", "sestore4/eve"}},
                                                         {{"buckets", boost::json::array{"x/y"}}},
                                                         {{"buckets", boost::json::array{7}}},
                                                         {{"networks", boost::json::array{"192.0.2.1/24"}}},
                                                         {{"expires", 1'600'000'000}}}) {
    object fields = bad;
    fields["api_key"] = api_key;
    fail("key.set", fields, "invalid_value");
  }
  EXPECT_EQ(items("key.list", {}).at(0), key) << "nothing of them was done";
  EXPECT_THAT(fail("key.set", {{"api_key", api_key}}, "missing_field"), HasSubstr("nothing to set"));
  fail("key.set", {{"api_key", "NOSUCH"}, {"expires", 0}}, "not_found");
}

TEST_F(RestApiTest, RotationGivesANewSecretOnceAndTellsHowLongTheOldOneLasts) {
  add_account();
  const value added = succeed("key.add", {{"cdn", 158}});
  const value rotated = succeed("key.rotate", {{"api_key", added.at("api_key")}, {"overlap_s", 3600}});
  EXPECT_EQ(rotated.at("api_key"), added.at("api_key"));
  EXPECT_NE(rotated.at("secret"), added.at("secret"));
  EXPECT_EQ(rotated.at("previous_until"), 1'700'003'600);
  EXPECT_THAT(fail("key.rotate", {{"api_key", added.at("api_key")}}, "invalid_value"), HasSubstr("an overlap of 0"));
  const value now = succeed("key.rotate", {{"api_key", added.at("api_key")}, {"overlap_s", 0}});
  EXPECT_TRUE(now.at("previous_until").is_null());
  succeed("key.list", {});
  for (const value& secret : {added.at("secret"), rotated.at("secret"), now.at("secret")}) {
    EXPECT_THAT(last_body_, Not(HasSubstr(std::string(secret.as_string()))));
  }
  succeed("key.revoke", {{"api_key", added.at("api_key")}});
  fail("key.rotate", {{"api_key", added.at("api_key")}}, "invalid_value");
}

}  // namespace
}  // namespace vodlift::rest
