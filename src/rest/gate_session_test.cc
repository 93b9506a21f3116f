// Sessions of browsers: cookies, their end, and what a request must show.
#include "rest/cookie.h"
#include "rest/gate_test.h"

namespace vodlift::rest {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(GateTest, H05ASessionBeginsWithACookieThatNoScriptAndNoOtherSiteCanUse) {
  add_person("anna", Role::admin);
  const net::Response begun = sign_in_as("anna");
  ASSERT_EQ(begun.status, 200) << begun.body;
  const std::string cookie = header(begun, "Set-Cookie");
  EXPECT_TRUE(cookie.starts_with("__Host-vodlift=vls_")) << cookie;
  for (const char* attribute : {"; Path=/", "; HttpOnly", "; SameSite=Strict", "; Secure"}) {
    EXPECT_THAT(cookie, HasSubstr(attribute));
  }
  EXPECT_THAT(cookie, Not(HasSubstr("Domain")));
  const std::string secret = cookie.substr(15, cookie.find(';') - 15);
  EXPECT_GE(secret.size(), 4 + 64U) << "256 bits as hexadecimal";
  EXPECT_THAT(begun.body, Not(HasSubstr(secret)));

  const net::Response shown = ask(browser(begun), "GET", "/session");
  EXPECT_EQ(shown.body, begun.body);
  const value session = boost::json::parse(shown.body);
  EXPECT_EQ(session.at("name"), "anna");
  EXPECT_EQ(session.at("role"), "admin");
  EXPECT_TRUE(session.at("cdn").is_null());
  EXPECT_TRUE(session.at("api_url").is_null());
  api_url_ = "http://127.0.0.1:8080";
  EXPECT_EQ(boost::json::parse(ask(browser(begun), "GET", "/session").body).at("api_url"), "http://127.0.0.1:8080");
  EXPECT_EQ(session.at("expires"), to_unix_seconds(clock_.now() + kSessionIdle));
}

TEST_F(GateTest, OverPlainHttpTheCookieHasAnotherName) {
  add_person("anna", Role::admin);
  Gate::Options plain = options();
  plain.secure = false;
  Gate gate(api_, people_, pools_, plain);
  net::Request request;
  request.method = "POST";
  request.target = "/api/v1/session";
  request.headers = {{"content-type", "application/json"}};
  request.body = boost::json::serialize(object{{"name", "anna"}, {"password", kPassword}});
  const std::string cookie = header(answer_of(gate, std::move(request)), "Set-Cookie");
  EXPECT_TRUE(cookie.starts_with("vodlift=vls_")) << cookie;
  EXPECT_THAT(cookie, Not(HasSubstr("Secure")));
}

TEST_F(GateTest, H04EachSignInBeginsANewSessionAndEndsTheOneBefore) {
  add_person("anna", Role::admin);
  Client fixed;
  fixed.cookie = std::string(kCookie) + "=vls_chosen-by-an-attacker";
  const Client first = browser(sign_in_as("anna", kPassword, fixed));
  EXPECT_NE(first.cookie, fixed.cookie);
  EXPECT_EQ(ask(fixed, "GET", "/session").status, 401);
  const Client second = browser(sign_in_as("anna", kPassword, first));
  EXPECT_NE(second.cookie, first.cookie);
  EXPECT_EQ(ask(first, "GET", "/session").status, 401);
  EXPECT_EQ(ask(second, "GET", "/session").status, 200);
  Client doubled = second;
  doubled.cookie += "; " + std::string(kCookie) + "=vls_of-another-site";
  EXPECT_EQ(ask(doubled, "GET", "/session").status, 401) << "one of two: nobody knows whose";
}

TEST_F(GateTest, H06SessionsEndByThemselvesBySigningOutByANewRoleAndByANewPassword) {
  add_person("anna", Role::admin);
  add_person("bert", Role::operate);
  const Client anna = browser(sign_in_as("anna"));
  Client bert = browser(sign_in_as("bert"));
  EXPECT_EQ(ask(anna, "PATCH", "/people/bert", {{"role", "viewer"}}).status, 200);
  EXPECT_EQ(ask(bert, "GET", "/session").status, 401) << "at once";

  bert = browser(sign_in_as("bert"));
  const Client elsewhere = browser(sign_in_as("bert"));
  const net::Response changed =
      ask(bert, "POST", "/session/password", {{"password", kPassword}, {"new_password", "another long password"}});
  const Client fresh = browser(changed);
  EXPECT_EQ(ask(elsewhere, "GET", "/session").status, 401);
  EXPECT_EQ(ask(bert, "GET", "/session").status, 401);
  EXPECT_EQ(ask(fresh, "GET", "/session").status, 200);
  EXPECT_EQ(sign_in_as("bert").status, 401);

  const net::Response ended = ask(fresh, "DELETE", "/session");
  EXPECT_EQ(ended.status, 200);
  EXPECT_THAT(header(ended, "Set-Cookie"), HasSubstr("Max-Age=0"));
  EXPECT_EQ(ask(fresh, "GET", "/session").status, 401);

  clock_.pass(kSessionIdle);
  EXPECT_EQ(ask(anna, "GET", "/session").status, 401) << "nobody used it";
  const Client busy = browser(sign_in_as("anna"));
  for (auto used = kSessionIdle / 2; used < kSessionLife; used += kSessionIdle / 2) {
    clock_.pass(kSessionIdle / 2);
    EXPECT_EQ(ask(busy, "GET", "/session").status, 200);
    steady_ += std::chrono::seconds(1);
  }
  clock_.pass(kSessionIdle / 2);
  EXPECT_EQ(ask(busy, "GET", "/session").status, 401) << "used all the time, but too old";
}

TEST_F(GateTest, H02WhatChangesSomethingMustComeFromThePanelsOwnPages) {
  add_account();
  add_person("anna", Role::admin);
  const Client anna = browser(sign_in_as("anna"));
  const Client other = browser(sign_in_as("anna"));
  const auto entries = audit_.entries().size();
  for (const Route* route : routes()) {
    if (!route->mutating) continue;
    const std::string path =
        path_of(route->path, {{"cdn", 158}, {"api_key", "K"}, {"bucket", "b"}, {"id", 7}, {"name", "anna"}}).substr(7);
    std::vector<Client> forged(5, anna);
    forged[0].headers = {{"sec-fetch-site", "cross-site"}};
    forged[1].headers = {{"sec-fetch-site", "same-site"}};
    forged[2].headers = {{"origin", "https://evil.example"}};
    forged[3].csrf = "";
    forged[4].csrf = other.csrf;
    for (std::size_t i = 0; i < (route->open ? 3U : 5U); ++i) {
      EXPECT_EQ(ask(forged[i], route->method, path).status, 403) << route->name << " " << i;
      steady_ += std::chrono::seconds(1);
    }
  }
  EXPECT_EQ(audit_.entries().size(), entries) << "nothing was tried";
  Client own = anna;
  own.headers = {{"sec-fetch-site", "same-origin"}, {"origin", "https://panel.example"}};
  EXPECT_EQ(ask(own, "PATCH", "/accounts/158", {{"weight", 3}}).status, 200);
  own.headers = {{"origin", "https://panel.proxy.example"}};
  EXPECT_EQ(ask(own, "PATCH", "/accounts/158", {{"weight", 4}}).status, 200) << "a proxy may change the name";
  own.headers = {{"origin", "null"}};
  EXPECT_EQ(ask(own, "PATCH", "/accounts/158", {{"weight", 4}}).status, 403);
}

TEST_F(GateTest, H03LooksChangeNothing) {
  add_account();
  add_person("anna", Role::admin);
  const Client anna = browser(sign_in_as("anna"));
  const auto entries = audit_.entries().size();
  for (const Route* route : routes()) {
    if (route->method != "GET") continue;
    ask(anna, "GET",
        path_of(route->path, {{"cdn", 158}, {"api_key", "K"}, {"bucket", "b"}, {"id", 7}, {"name", "anna"}}).substr(7));
    EXPECT_FALSE(route->mutating) << route->name;
    steady_ += std::chrono::seconds(1);
  }
  EXPECT_EQ(audit_.entries().size(), entries);
  EXPECT_TRUE(uploads_.all().empty());
  EXPECT_EQ(accounts_.accounts().size(), 1U);
}

}  // namespace
}  // namespace vodlift::rest
