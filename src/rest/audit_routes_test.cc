// The route of the audit log.
#include "rest/rest_api_test.h"

namespace vodlift::rest {
namespace {

class RestAuditTest : public RestApiTest {
 protected:
  RestAuditTest() { add_account(); }
};

TEST_F(RestAuditTest, ShowsLinesWithAllTheirMembers) {
  audit_lines_.page.records = {
      {from_unix_ms(1'700'000'000'042),
       boost::json::parse(R"({"time":"x","door":"panel","address":"192.0.2.7","who":"<b>anna</b>","cdn":158,)"
                          R"("command":"key.revoke","what":{"api_key":"A"},"result":"failure","error":"not_found"})")
           .as_object()},
      {from_unix_ms(1'700'000'000'000), {}, true}};
  audit_lines_.page.next = "7-12";
  const value page = succeed("audit.list", {});
  EXPECT_EQ(boost::json::serialize(page.at("items").at(0)),
            R"({"time":"2023-11-14T22:13:20.042Z","damaged":false,"door":"panel","address":"192.0.2.7",)"
            R"("command":"key.revoke","who":"<b>anna</b>","token":null,"cdn":158,"key":null,"upload":null,)"
            R"("call":null,"before":null,"after":null,"what":{"api_key":"A"},"result":"failure","error":"not_found"})");
  EXPECT_EQ(page.at("items").at(1).at("damaged"), true);
  EXPECT_EQ(page.at("items").at(1).at("error"), "damaged");
  EXPECT_EQ(page.at("next"), "7-12");
  EXPECT_EQ(page.at("complete"), true);
  EXPECT_TRUE(page.at("searched_to").is_null());
}

TEST_F(RestAuditTest, AsksForWhatTheFieldsSay) {
  audit_lines_.page.searched_to = from_unix_ms(1'700'000'000'999);
  const value page = succeed("audit.list", {{"cdn", 158},
                                            {"command", "key."},
                                            {"who", "anna"},
                                            {"upload", 17},
                                            {"since", 1},
                                            {"until", 2},
                                            {"cursor", "7-12"},
                                            {"limit", 3}});
  EXPECT_EQ(page.at("complete"), false);
  EXPECT_EQ(page.at("searched_to"), 1'700'000'000);
  const AuditQuery& asked = audit_lines_.asked;
  EXPECT_EQ(asked.cdn, 158);
  EXPECT_EQ(asked.command, "key.");
  EXPECT_EQ(asked.who, "anna");
  EXPECT_EQ(asked.upload, 17);
  EXPECT_EQ(asked.since, from_unix_ms(1000));
  EXPECT_EQ(asked.until, from_unix_ms(2000));
  EXPECT_EQ(asked.before, "7-12");
  EXPECT_EQ(asked.limit, 3);
  fail("audit.list", {{"cdn", 7}}, "not_found");
}

TEST_F(RestAuditTest, ACustomerSeesItsAccountAndAViewerNothing) {
  who_.role = Role::customer;
  who_.cdn = 158;
  who_.via = Principal::Via::session;
  succeed("audit.list", {});
  EXPECT_EQ(audit_lines_.asked.cdn, 158);
  who_.role = Role::viewer;
  fail("audit.list", {}, "permission_denied");
}

TEST_F(RestAuditTest, AnAdminHasTheChainChecked) {
  audit_lines_.checked = {.files = 2, .lines = 9, .unchained = 1, .half = 0, .newest = "ab", .has_kept = false};
  EXPECT_EQ(boost::json::serialize(succeed("audit.check", {})),
            R"({"whole":true,"files":2,"lines":9,"unchained":1,"half":0,"newest":"ab","has_kept":null,"fault":null})");
  const value cut = succeed("audit.check", {{"kept", "cd"}});
  EXPECT_EQ(cut.at("whole"), false);
  EXPECT_EQ(cut.at("has_kept"), false);
  EXPECT_EQ(audit_lines_.kept_asked, "cd");
  audit_lines_.checked.fault = {"/var/lib/vodlift/audit.log.1", 7};
  const value broken = succeed("audit.check", {});
  EXPECT_EQ(broken.at("whole"), false);
  EXPECT_EQ(boost::json::serialize(broken.at("fault")), R"({"file":"audit.log.1","line":7})");
  who_.role = Role::operate;
  who_.via = Principal::Via::session;
  fail("audit.check", {}, "permission_denied");
}

}  // namespace
}  // namespace vodlift::rest
