// What holds of every command: what is no call, the audit log, faults of ours.
#include "admin/admin_api_test.h"

namespace vodlift::admin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(AdminApiTest, AnswersWhatIsNoCommand) {
  EXPECT_EQ(send("POST", "/admin/account.drop", "{}").status, 404);
  EXPECT_EQ(send("POST", "/", "{}").status, 404);
  const net::Response get = send("GET", "/admin/account.list", "");
  EXPECT_EQ(get.status, 405);
  ASSERT_EQ(get.headers.size(), 1U);
  EXPECT_EQ(get.headers[0].second, "POST");
  EXPECT_EQ(send("POST", "/admin/account.list", "{").status, 400);
  EXPECT_EQ(send("POST", "/admin/account.list", "[]").status, 400);
  EXPECT_EQ(send("POST", "/admin/account.list", "").status, 400);
}

using Named = std::pair<std::string_view, std::string>;

TEST_F(AdminApiTest, AuditsEveryChangeAndNoLook) {
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
  EXPECT_THAT(entries[0].what, ElementsAre(Named("user", "jb")));
  EXPECT_FALSE(entries[0].failure);
  EXPECT_THAT(entries[1].what, ElementsAre(Named("api_key", key.as_object().at("api_key").as_string().c_str())));
  EXPECT_THAT(entries[2].what, ElementsAre(Named("bucket", "my_bucket"), Named("credentials", "static"),
                                           Named("role_arn", ""), Named("sse", "default"), Named("kms_key", "")));
  EXPECT_EQ(entries[3].command, "key.revoke");
  EXPECT_EQ(entries[3].failure, Errc::not_found);
}

TEST_F(AdminApiTest, SaysSoWhenThePoolTakesNothing) {
  pool_.stop();
  EXPECT_THAT(fail("account.list", {}, "overloaded"), HasSubstr("more traffic than usual"));
}

TEST(AdminFault, HasTheEnvelopeAndTheTablesStatus) {
  const net::Response response = AdminApi::fault(Errc::too_large, "the body is too large");
  EXPECT_EQ(response.status, 413);
  EXPECT_EQ(response.body, R"({"status":"failure","code":"too_large","message":"the body is too large"})");
}

}  // namespace
}  // namespace vodlift::admin
