// Bearer tokens of programs.
#include "rest/gate_test.h"

namespace vodlift::rest {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(GateTest, ATokenNeedsNoCsrfAndEndsAtOnce) {
  add_account();
  add_person("anna", Role::admin);
  const Client program{.token = token_of("anna", Role::operate)};
  EXPECT_EQ(ask(program, "POST", "/uploads/bulk", {{"action", "retry"}, {"all", true}}).status, 200);
  EXPECT_EQ(audit_.entries().back().door, "token");
  EXPECT_EQ(audit_.entries().back().who, "anna");
  EXPECT_EQ(audit_.entries().back().token, "ci");
  EXPECT_EQ(audit_.entries().back().address, "192.0.2.7");
  EXPECT_EQ(ask(program, "POST", "/keys", {{"cdn", 158}}).status, 403) << "the token's role counts, not the owner's";
  EXPECT_EQ(code_of(ask(program, "GET", "/session")), "wrong_state");
  Client basic;
  basic.headers = {{"authorization", "Basic YW5uYTp4"}};
  EXPECT_EQ(ask(basic, "GET", "/uploads").status, 401);

  const Client anna = browser(sign_in_as("anna"));
  const std::int64_t id = boost::json::parse(ask(anna, "GET", "/tokens").body).at("items").at(0).at("id").as_int64();
  EXPECT_EQ(ask(anna, "DELETE", "/tokens/" + std::to_string(id)).status, 200);
  EXPECT_EQ(ask(program, "GET", "/uploads").status, 401);
}

TEST_F(GateTest, ATokenDoesNoMoreThanItsMaker) {
  add_account();
  add_person("anna", Role::customer, 158);
  add_person("bert", Role::operate);
  add_person("carl", Role::admin);
  const Client anna = browser(sign_in_as("anna"));
  const net::Response made = ask(anna, "POST", "/tokens", {{"label", "ci"}});
  ASSERT_EQ(made.status, 201) << made.body;
  const value token = boost::json::parse(made.body);
  EXPECT_EQ(token.at("role"), "customer");
  EXPECT_EQ(token.at("cdn"), 158);
  EXPECT_EQ(token.at("owner"), "anna");
  EXPECT_EQ(ask(anna, "POST", "/tokens", {{"label", "x"}, {"role", "viewer"}}).status, 201);
  EXPECT_EQ(ask(anna, "POST", "/tokens", {{"label", "x"}, {"role", "admin"}}).status, 400);
  EXPECT_EQ(ask(anna, "POST", "/tokens", {{"label", "x"}, {"cdn", 159}}).status, 404);
  EXPECT_EQ(ask(anna, "POST", "/tokens", {{"label", "x"}, {"owner", "carl"}}).status, 403);
  EXPECT_EQ(ask(anna, "POST", "/tokens", {{"label", ""}}).status, 400);
  EXPECT_EQ(ask(anna, "POST", "/tokens", {{"label", "x"}, {"expires", 1}}).status, 400);
  EXPECT_THAT(ask(anna, "GET", "/tokens").body, Not(HasSubstr("vlt_"))) << "shown once";

  const Client bert = browser(sign_in_as("bert"));
  EXPECT_EQ(ask(bert, "POST", "/tokens", {{"label", "x"}, {"role", "admin"}}).status, 403);
  EXPECT_EQ(boost::json::parse(ask(bert, "GET", "/tokens").body).at("items").as_array().size(), 0U);
  const std::string path = "/tokens/" + boost::json::serialize(token.at("id"));
  EXPECT_EQ(ask(bert, "DELETE", path).status, 404) << "of others";

  const Client program{.token = std::string(token.at("token").as_string())};
  EXPECT_EQ(ask(program, "POST", "/tokens", {{"label", "x"}}).status, 201);
  const Client carl = browser(sign_in_as("carl"));
  EXPECT_EQ(ask(carl, "POST", "/tokens", {{"label", "x"}, {"owner", "bert"}}).status, 201);
  EXPECT_EQ(ask(carl, "POST", "/tokens", {{"label", "x"}, {"owner", "bert"}, {"role", "admin"}}).status, 403);
  EXPECT_EQ(ask(carl, "DELETE", path).status, 200);
  EXPECT_EQ(ask(program, "GET", "/uploads").status, 401);
}

}  // namespace
}  // namespace vodlift::rest
