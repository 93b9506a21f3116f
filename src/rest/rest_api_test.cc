// What holds of every route: what is no request, the audit log, faults of ours.
#include "rest/rest_api_test.h"

#include "rest/problem.h"

namespace vodlift::rest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(RestApiTest, AnswersWhatIsNoRoute) {
  for (const char* target : {"/", "/api/v1", "/api/v1/", "/api/v1/account", "/api/v1/accounts/", "/api/v1/accounts//",
                             "/api/v1/accounts/1/2", "/api/v2/accounts", "/api/v1accounts", "/admin/account.list"}) {
    EXPECT_EQ(send("GET", target).status, 404) << target;
  }
  const net::Response put = send("PUT", "/api/v1/accounts", "{}");
  EXPECT_EQ(put.status, 405);
  ASSERT_EQ(put.headers.size(), 1U);
  EXPECT_EQ(put.headers[0], std::pair(std::string("Allow"), std::string("GET, POST")));
}

TEST_F(RestApiTest, RefusesWhatIsNoRequest) {
  EXPECT_EQ(send("POST", "/api/v1/accounts", "{").status, 400);
  EXPECT_EQ(send("POST", "/api/v1/accounts", "[]").status, 400);
  EXPECT_EQ(send("POST", "/api/v1/accounts").status, 400) << "its fields are missing";
  EXPECT_EQ(send("POST", "/api/v1/accounts", "{}", "text/plain").status, 415);
  EXPECT_EQ(send("GET", "/api/v1/accounts", "{}").status, 400) << "a body of a GET";
  EXPECT_EQ(send("GET", "/api/v1/uploads?limit=1&limit=2").status, 400);
  EXPECT_EQ(send("GET", "/api/v1/uploads?limit=%zz").status, 400);
  EXPECT_EQ(send("GET", "/api/v1/accounts/%ff").status, 400);
  EXPECT_EQ(send("GET", "/api/v1/accounts/x").status, 400) << "no number";
  EXPECT_EQ(send("GET", "/api/v1/accounts/7").status, 404);
  const net::Response twice = send("PATCH", "/api/v1/accounts/158", R"({"cdn":159,"weight":2})");
  EXPECT_EQ(twice.status, 400);
  EXPECT_THAT(twice.body, HasSubstr("cdn: is given twice"));
  const net::Response misspelt = send("GET", "/api/v1/uploads?limt=1");
  EXPECT_EQ(misspelt.status, 400);
  EXPECT_THAT(misspelt.body, HasSubstr("did you mean"));
}

TEST_F(RestApiTest, WhatIsMadeHasAnAddress) {
  add_account();
  EXPECT_EQ(last_status_, 201);
  ASSERT_EQ(last_response_.headers.size(), 1U);
  EXPECT_EQ(last_response_.headers[0].second, "/api/v1/accounts/158");
  const net::Response shown = send("GET", last_response_.headers[0].second);
  EXPECT_EQ(shown.status, 200);
  EXPECT_EQ(boost::json::parse(shown.body).at("user"), "jb");
  const value key = succeed("key.add", {{"cdn", 158}});
  EXPECT_EQ(boost::json::parse(send("GET", last_response_.headers[0].second).body).at("api_key"), key.at("api_key"));
  object bucket = bucket_fields();
  bucket["bucket"] = "a.b-c";
  succeed("bucket.add", bucket);
  EXPECT_EQ(boost::json::parse(send("GET", last_response_.headers[0].second).body).at("bucket"), "a.b-c");
}

using Named = std::pair<std::string_view, std::string>;

TEST_F(RestApiTest, AuditsEveryChangeAndNoLook) {
  add_account();
  const value key = succeed("key.add", {{"cdn", 158}});
  succeed("bucket.add", bucket_fields());
  succeed("account.list", {});
  succeed("key.list", {});
  fail("key.revoke", {{"api_key", "NOSUCH"}}, "not_found");

  const auto entries = audit_.entries();
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_EQ(entries[0].command, "account.add");
  EXPECT_EQ(entries[0].door, "administration");
  EXPECT_EQ(entries[0].cdn, 158);
  EXPECT_THAT(entries[0].what, ElementsAre(Named("user", "jb"), Named("weight", "1"), Named("uploads_at_once", "0"),
                                           Named("callback_format", "json"), Named("callback_https_only", "false")));
  EXPECT_FALSE(entries[0].failure);
  EXPECT_THAT(entries[1].what, ElementsAre(Named("api_key", key.as_object().at("api_key").as_string().c_str())));
  EXPECT_THAT(entries[2].what, ElementsAre(Named("bucket", "my_bucket"), Named("credentials", "static"),
                                           Named("role_arn", ""), Named("sse", "default"), Named("kms_key", "")));
  EXPECT_EQ(entries[3].command, "key.revoke");
  EXPECT_EQ(entries[3].failure, Errc::not_found);
}

TEST_F(RestApiTest, AChangeOfSettingsStandsInTheAuditLogBeforeAndAfterIt) {
  add_account();
  succeed("account.set", {{"cdn", 158}, {"weight", 2}});
  succeed("account.set", {{"cdn", 158}, {"weight", 1}});
  fail("account.set", {{"cdn", 158}, {"weight", 0}}, "invalid_value");
  const auto begun = audit_.begun();
  const auto ended = audit_.entries();
  ASSERT_EQ(begun.size(), 3U) << "what was refused was not begun";
  ASSERT_EQ(ended.size(), 4U);
  for (std::size_t i = 0; i < begun.size(); ++i) {
    EXPECT_EQ(begun[i].call, ended[i].call);
    EXPECT_EQ(begun[i].call.size(), 16U);
    EXPECT_EQ(begun[i].before, ended[i].before);
    EXPECT_EQ(begun[i].command, ended[i].command);
    EXPECT_EQ(begun[i].after, "");
  }
  EXPECT_EQ(ended[0].before, "") << "there was none";
  EXPECT_EQ(ended[0].after.size(), 16U);
  EXPECT_EQ(ended[1].before, ended[0].after);
  EXPECT_NE(ended[1].after, ended[1].before);
  EXPECT_EQ(ended[2].after, ended[0].after) << "it is as it was";
  EXPECT_EQ(ended[3].call, "");
}

TEST_F(RestApiTest, EachKindOfSettingTellsItsStates) {
  add_account();
  const value key = succeed("key.add", {{"cdn", 158}});
  const auto api_key = key.at("api_key").as_string();
  succeed("key.set", {{"api_key", api_key}, {"permissions", "status"}});
  succeed("bucket.add", bucket_fields());
  succeed("limit.set", {{"cdn", 158}, {"rate", "50MB"}});
  succeed("limit.set", {{"cdn", 158}, {"rate", "60MB"}});
  succeed("limit.remove", {{"cdn", 158}});
  succeed("person.add", {{"name", "anna"}, {"role", "admin"}});
  succeed("token.add", {{"owner", "anna"}, {"label", "ci"}});
  succeed("person.remove", {{"name", "anna"}});
  const auto all = audit_.entries();
  ASSERT_EQ(all.size(), 10U);
  for (const AuditEntry& one : all) {
    const bool makes = one.command.ends_with(".add") || (one.command == "limit.set" && &one == &all[4]);
    EXPECT_EQ(one.before.empty(), makes) << one.command;
    EXPECT_EQ(one.after.empty(), one.command.ends_with(".remove")) << one.command;
    EXPECT_NE(one.before, one.after) << one.command;
  }
  EXPECT_EQ(all[2].before, all[1].after) << "the key";
  EXPECT_EQ(all[6].before, all[5].after) << "the limit";
}

TEST_F(RestApiTest, SaysSoWhenThePoolTakesNothing) {
  pool_.stop();
  EXPECT_THAT(fail("account.list", {}, "overloaded"), HasSubstr("more traffic than usual"));
}

TEST(RestFault, IsAProblemWithTheTablesStatus) {
  const net::Response response = RestApi::fault(Errc::too_large, "the body is too large");
  EXPECT_EQ(response.status, 413);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.body, R"({"type":"/problems/too_large","title":"Too large","status":413,"code":"too_large",)"
                           R"("detail":"the body is too large"})");
}

TEST(RestFault, EveryFailureHasAStatusOfFailure) {
  for (int code = 0; code <= static_cast<int>(Errc::interrupted); ++code) {
    const int status = status_of(static_cast<Errc>(code));
    EXPECT_TRUE(status >= 400 && status < 600) << info(static_cast<Errc>(code)).name;
  }
}

TEST(RestFault, TheOperatorsTextIsForTheOperator) {
  const Error error{Errc::s3_credential, "the credentials cannot be read", "/etc/aws: no such file"};
  EXPECT_THAT(problem(error, true).body, HasSubstr("/etc/aws"));
  EXPECT_THAT(problem(error, false).body, testing::Not(HasSubstr("/etc/aws")));
}

}  // namespace
}  // namespace vodlift::rest
