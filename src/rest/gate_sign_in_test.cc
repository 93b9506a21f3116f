// Signing in: passwords, first links, and what the audit log has of it.
#include "rest/gate_test.h"

namespace vodlift::rest {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(GateTest, H07WrongPasswordsGetOneAnswerAndLaterNoneForAWhile) {
  add_person("anna", Role::admin);
  const net::Response wrong = sign_in_as("anna", "not the password");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(sign_in_as("nobody", "not the password").body, wrong.body);
  for (int i = 1; i < FailureDelay::kFree; ++i) EXPECT_EQ(sign_in_as("anna", "not the password").status, 401);
  const std::size_t entries = audit_.entries().size();
  const net::Response early = sign_in_as("anna");
  EXPECT_EQ(early.status, 429) << "even with the right password";
  EXPECT_EQ(header(early, "Retry-After"), "2");
  EXPECT_EQ(audit_.entries().size(), entries) << "a flood must not fill the audit log";
  Client elsewhere;
  elsewhere.address = "198.51.100.1";
  EXPECT_EQ(sign_in_as("anna", kPassword, elsewhere).status, 200) << "nobody can lock a person out";
  steady_ += std::chrono::seconds(2);
  EXPECT_EQ(sign_in_as("anna").status, 200);
}

TEST_F(GateTest, H18H19SigningInAndOutStandsInTheAuditLogAndNoPasswordDoes) {
  add_person("anna", Role::admin);
  const Client anna = browser(sign_in_as("anna"));
  sign_in_as("anna\r\n\x1b\xe2\x80\xa8", "not the password");
  ask(anna, "POST", "/people", {{"name", "bert"}, {"role", "viewer"}});
  ask(anna, "POST", "/tokens", {{"label", "ci"}});
  ask(anna, "DELETE", "/session");
  std::vector<std::string> commands;
  for (const AuditEntry& entry : audit_.entries()) {
    commands.emplace_back(entry.command);
    EXPECT_EQ(entry.door, "panel");
    EXPECT_EQ(entry.upload, 0) << entry.command << ": no other id is an upload's";
    for (const auto& [name, text] : entry.what) {
      EXPECT_THAT(text, Not(testing::AnyOf(HasSubstr("horse"), HasSubstr("vl")))) << entry.command << " " << name;
    }
  }
  EXPECT_THAT(commands,
              testing::ElementsAre("session.begin", "session.begin", "person.add", "token.add", "session.end"));
  EXPECT_EQ(audit_.entries()[1].failure, Errc::not_authorized);
  EXPECT_EQ(audit_.entries()[4].who, "anna");
}

TEST_F(GateTest, H20TheFirstAdminComesInByALinkThatWorksOnce) {
  const auto link = first_admin_link(people_).value();
  ASSERT_TRUE(link);
  EXPECT_EQ(sign_in_as("admin", "admin").status, 401) << "there is no usual password";
  object fields{{"token", link->reveal()}, {"name", "anna"}, {"password", "short"}};
  EXPECT_EQ(ask({}, "POST", "/setup", fields).status, 400);
  fields["password"] = kPassword;
  EXPECT_EQ(ask({}, "POST", "/setup", {{"token", "vll_guess"}, {"password", kPassword}}).status, 404);
  const Client anna = browser(ask({}, "POST", "/setup", fields));
  EXPECT_EQ(boost::json::parse(ask(anna, "GET", "/session").body).at("role"), "admin");
  fields["name"] = "mallory";
  EXPECT_EQ(ask({}, "POST", "/setup", fields).status, 404) << "used";
  EXPECT_FALSE(first_admin_link(people_).value()) << "there is an admin";

  const net::Response added = ask(anna, "POST", "/people", {{"name", "bert"}, {"role", "operator"}});
  ASSERT_EQ(added.status, 201) << added.body;
  EXPECT_EQ(header(added, "Location"), "/api/v1/people/bert");
  EXPECT_EQ(sign_in_as("bert", "").status, 401) << "has no password yet";
  const value invitation = boost::json::parse(added.body).at("setup_token");
  EXPECT_THAT(ask(anna, "GET", "/people").body, Not(HasSubstr("vll_"))) << "shown once";
  const Client bert = browser(ask({}, "POST", "/setup", {{"token", invitation}, {"password", kPassword}}));
  EXPECT_EQ(ask(bert, "GET", "/people").status, 403);
  EXPECT_EQ(ask(anna, "DELETE", "/people/anna").status, 409) << "the last admin";
  EXPECT_EQ(ask(anna, "POST", "/people", {{"name", "carl"}, {"role", "customer"}, {"cdn", 7}}).status, 404);
  EXPECT_EQ(ask(anna, "POST", "/people", {{"name", "carl"}, {"role", "customer"}}).status, 400);
}

TEST_F(GateTest, H08PasswordsMayBeAnyBytesButNotTooMany) {
  add_person("anna", Role::admin);
  EXPECT_EQ(sign_in_as("anna", std::string(1025, 'x')).status, 400);
  EXPECT_EQ(sign_in_as("anna", std::string("a\0b", 3)).status, 400);
  EXPECT_EQ(sign_in_as("anna", "\xc3\xa4\xcc\x88").status, 401);
}

}  // namespace
}  // namespace vodlift::rest
